// Where the environment meets the configuration: `${NAME}` inside any text of the file, and the
// variables that describe a single EHR without a file. Pure: the environment is passed in.

export type Environment = Readonly<Record<string, string | undefined>>

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/** Replaces `${NAME}` in every text below `value`; names that are not set are reported by path. */
export function expandEnvironment(
  value: unknown,
  env: Environment,
  report: (path: PropertyKey[], message: string) => void,
  path: PropertyKey[] = [],
): unknown {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (whole, name: string) => {
      const found = env[name]
      if (found === undefined) report(path, `the environment variable ${name} is not set`)
      return found ?? whole
    })
  }
  if (Array.isArray(value)) {
    return value.map((item, i) => expandEnvironment(item, env, report, [...path, i]))
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        expandEnvironment(item, env, report, [...path, key]),
      ]),
    )
  }
  return value
}

/** Which variable stands for which place of the configuration, when there is no file. */
const VARIABLES: readonly (readonly [name: string, path: PropertyKey[]])[] = [
  ['FHIRSTORM_PUBLIC_URL', ['publicUrl']],
  ['FHIRSTORM_ISS', ['ehrs', 0, 'iss']],
  ['FHIRSTORM_CLIENT_ID', ['ehrs', 0, 'clientId']],
  ['FHIRSTORM_CLIENT_SECRET', ['ehrs', 0, 'clientAuth', 'secret']],
  ['FHIRSTORM_CLIENT_SECRET_FILE', ['ehrs', 0, 'clientAuth', 'secretFile']],
  ['FHIRSTORM_SCOPE', ['ehrs', 0, 'scope']],
  ['FHIRSTORM_ORIGINS', ['ehrs', 0, 'origins']],
  ['FHIRSTORM_KEYS_FILE', ['keysFile']],
  ['FHIRSTORM_VAULT', ['vault']],
  ['FHIRSTORM_FRONTEND_ORIGIN', ['frontend', 'origins']],
  ['HOST', ['listen', 'host']],
  ['PORT', ['listen', 'port']],
]

/** The name of the variable that fills a place, for messages; undefined where none does. */
export function variableFor(path: PropertyKey[]): string | undefined {
  const wanted = path.map(String)
  return VARIABLES.find(([, place]) => place.every((key, i) => String(key) === wanted[i]))?.[0]
}

/** True when the environment describes an EHR, so that no file is needed. */
export function describesEhr(env: Environment): boolean {
  return env.FHIRSTORM_ISS !== undefined || env.FHIRSTORM_CLIENT_ID !== undefined
}

/** The configuration document that the variables spell out; the schema judges it like a file. */
export function readEnvironment(env: Environment): unknown {
  const origins = (list: string | undefined) =>
    list
      ?.split(/[\s,]+/)
      .filter(Boolean)
      .map(item => item.replace(/\/$/, ''))
  return prune({
    publicUrl: env.FHIRSTORM_PUBLIC_URL,
    keysFile: env.FHIRSTORM_KEYS_FILE,
    listen: prune({ host: env.HOST, port: env.PORT === undefined ? undefined : Number(env.PORT) }),
    vault: readVault(env.FHIRSTORM_VAULT),
    frontend: prune({ origins: origins(env.FHIRSTORM_FRONTEND_ORIGIN) }),
    ehrs: [
      prune({
        id: 'ehr',
        name: 'EHR',
        iss: env.FHIRSTORM_ISS,
        clientId: env.FHIRSTORM_CLIENT_ID,
        clientAuth: prune({
          method: 'client_secret_basic',
          secret: env.FHIRSTORM_CLIENT_SECRET,
          secretFile: env.FHIRSTORM_CLIENT_SECRET_FILE,
        }),
        scope: env.FHIRSTORM_SCOPE,
        origins: origins(env.FHIRSTORM_ORIGINS),
      }),
    ],
  })
}

function readVault(value: string | undefined): unknown {
  if (value === undefined) return undefined
  return /^rediss?:/.test(value) ? { kind: 'redis', url: value } : { kind: 'sqlite', path: value }
}

function prune(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

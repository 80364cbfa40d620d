// The session store as the configuration names it. What goes to a Redis beyond this machine goes by TLS
// and with a password: whoever reads that line could write to the store, and end or move sessions
// (attacks V14).

import { bareHost, classifyAddress } from '../../src/network/address.ts'
import { isLoopbackHost } from '../../src/smart/issuer.ts'
import { type DocumentContext, readText } from './files.ts'
import type { ConfigDocument } from './schema.ts'

type VaultDocument = ConfigDocument['vault']
type RedisDocument = Extract<VaultDocument, { kind: 'redis' }>

export type VaultConfig =
  | { kind: 'memory' }
  | { kind: 'sqlite'; path: string }
  | (Omit<RedisDocument, 'urlFile' | 'caFile' | 'url' | 'unencrypted'> & {
      url: string
      ca?: string
    })

const REDIS = /^rediss?:\/\//

/** The store with its files read, or undefined after a reported fault. */
export async function loadVault(
  vault: VaultDocument,
  context: DocumentContext,
): Promise<VaultConfig | undefined> {
  if (vault.kind !== 'redis') return vault
  const { urlFile, caFile, unencrypted: _unencrypted, ...rest } = vault
  const place = ['vault', urlFile === undefined ? 'url' : 'urlFile']
  const fromFile = await readText(urlFile, place, 'secret', context)
  const url = vault.url ?? fromFile?.trim()
  const ca = await readText(caFile, ['vault', 'caFile'], 'public', context)
  if (url === undefined) {
    if (urlFile === undefined) context.report(['vault'], 'give url or urlFile')
    return undefined
  }
  if (!REDIS.test(url) || !URL.canParse(url)) {
    context.report(place, 'must be a redis:// or rediss:// URL')
    return undefined
  }
  const faults = listRedisFaults({ ...vault, url })
  for (const [key, message] of faults) context.report(key ? ['vault', ...key] : place, message)
  return faults.length > 0 ? undefined : { ...rest, url, ca }
}

type Fault = readonly [setting: PropertyKey[] | undefined, message: string]

/** What is open on the way to Redis; without a setting, in its URL. */
function listRedisFaults(vault: RedisDocument & { url: string }): Fault[] {
  const { protocol, hostname, password } = new URL(vault.url)
  const further = listNodes(vault)
  const faults = further.flatMap(([setting, url]): Fault[] => {
    if (!URL.canParse(url) || !REDIS.test(url)) return [[setting, 'must be a redis:// URL']]
    return new URL(url).protocol === protocol
      ? []
      : [[setting, `must be ${protocol}// as the url is, which says it for every node`]]
  })
  const hosts = further.flatMap(([, url]) => (URL.canParse(url) ? [new URL(url).hostname] : []))
  // With sentinels the host of the URL is not asked.
  if (!vault.sentinel) hosts.push(hostname)
  if (hosts.every(isThisMachine)) return faults
  if (password === '')
    faults.push([undefined, 'beyond this machine Redis needs a password in the URL'])
  if (protocol !== 'rediss:' && !vault.unencrypted) {
    faults.push([
      undefined,
      'beyond this machine Redis needs TLS: rediss:// (or unencrypted: true on a network that nobody else is on)',
    ])
  }
  return faults
}

function listNodes({ cluster = [], sentinel }: RedisDocument): [PropertyKey[], string][] {
  return [
    ...cluster.map((url, i): [PropertyKey[], string] => [['cluster', i], url]),
    ...(sentinel?.nodes ?? []).map((url, i): [PropertyKey[], string] => [
      ['sentinel', 'nodes', i],
      url,
    ]),
  ]
}

/** As Node connects: no host is this one. */
function isThisMachine(hostname: string): boolean {
  if (hostname === '' || isLoopbackHost(hostname)) return true
  return classifyAddress(bareHost(hostname)) === 'loopback'
}

// What a plugin asks of the app that registers it: parts that other plugins bring, and options of the
// right kind. Every fault is one sentence that names the plugin and the option. Pure: no I/O.

/** The plugin that brings each decorator. */
const bringers: Readonly<Record<string, string>> = {
  smartAuthorization: 'authorization-server',
  smartCookies: 'cookies',
  smartDiscovery: 'discovery',
  smartGuard: 'guard',
  smartMetrics: 'metrics',
  smartSessions: 'session-store',
  smartState: 'state',
  smartTickets: 'tickets',
  smartTokens: 'renewal',
  smartVault: 'vault',
}

/** Throws where a part is missing, and says which plugin brings it. */
export function requireParts(
  app: { hasDecorator(name: string): boolean },
  plugin: string,
  parts: readonly string[],
): void {
  const missing = parts.find(part => !app.hasDecorator(part))
  if (missing === undefined) return
  throw new Error(
    `fhirstorm-${plugin} needs app.${missing}: register fhirstorm-${bringers[missing]} before it`,
  )
}

/** What is wrong with a value, to follow the option's name; undefined where it is right. */
export type Check = (value: unknown) => string | undefined

/** Throws a TypeError for the first option that is not as its check wants it. */
export function judgeOptions(
  plugin: string,
  options: unknown,
  checks: Readonly<Record<string, Check>>,
): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`fhirstorm-${plugin}: the options are missing`)
  }
  judgeParts(`fhirstorm-${plugin}`, 'options', options, checks)
}

/** The same for an object of any name that `speaker` was given. */
export function judgeParts(
  speaker: string,
  called: string,
  given: unknown,
  checks: Readonly<Record<string, Check>>,
): void {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`${speaker}: ${called} is no object`)
  }
  for (const name of new Set([...Object.keys(given), ...Object.keys(checks)])) {
    const value = (given as Record<string, unknown>)[name]
    const check = checks[name] ?? (value === undefined ? undefined : findUsual(name))
    const fault = check?.(value)
    if (fault !== undefined) throw new TypeError(`${speaker}: ${called}.${name} ${fault}`)
  }
}

/** What an option of this name is wherever a plugin has it: times and sizes by the end of their names. */
function findUsual(name: string): Check | undefined {
  if (Object.hasOwn(usual, name)) return usual[name]
  return /(Ms|Bytes|Percent)$/.test(name) ? aNumber : undefined
}

/** The same, where the option may be left out. */
export const optional =
  (check: Check): Check =>
  value =>
    value === undefined ? undefined : check(value)

/** One of a few words. */
export const oneOf =
  (...words: readonly string[]): Check =>
  value =>
    words.includes(value as string)
      ? undefined
      : `is ${tell(value)}; it may be ${words.map(word => `'${word}'`).join(' or ')}`

/** An object with these methods. */
export const withMethods =
  (...methods: readonly string[]): Check =>
  value => {
    const missing = methods.find(
      method => typeof (value as Record<string, unknown> | undefined)?.[method] !== 'function',
    )
    if (value === undefined) return 'is missing'
    return missing === undefined ? undefined : `has no function ${missing}`
  }

/** A list of objects that each have these texts. */
export const listWith =
  (...texts: readonly string[]): Check =>
  value => {
    if (value === undefined) return 'is missing'
    if (!Array.isArray(value)) return `is ${tell(value)}; it must be a list`
    for (const [index, item] of value.entries()) {
      const missing = texts.find(text => typeof item?.[text] !== 'string')
      if (missing !== undefined) return `has no ${missing} at index ${index}`
    }
    return undefined
  }

export const aFunction: Check = value => {
  if (typeof value === 'function') return undefined
  return value === undefined ? 'is missing' : `is ${tell(value)}; it must be a function`
}

export const anObject: Check = value => {
  if (typeof value === 'object' && value !== null) return undefined
  return value === undefined ? 'is missing' : `is ${tell(value)}; it must be an object`
}

export const aPositiveNumber: Check = value =>
  typeof value === 'number' && value > 0
    ? undefined
    : `is ${tell(value)}; it must be a number above zero`

export const aText: Check = value =>
  typeof value === 'string' && value !== ''
    ? undefined
    : value === undefined
      ? 'is missing'
      : `is ${tell(value)}; it must be a text`

export const aBoolean: Check = value =>
  typeof value === 'boolean' ? undefined : `is ${tell(value)}; it must be true or false`

/** A list of texts. */
export const listOfTexts: Check = value =>
  Array.isArray(value) && value.every(item => typeof item === 'string')
    ? undefined
    : `is ${tell(value)}; it must be a list of texts`

/** A list of none but a few words. */
export const listOf =
  (...words: readonly string[]): Check =>
  value => {
    if (!Array.isArray(value)) return `is ${tell(value)}; it must be a list`
    const other = value.find(item => !words.includes(item))
    return other === undefined
      ? undefined
      : `has ${tell(other)}; it may have ${words.map(word => `'${word}'`).join(', ')}`
  }

/** Keys, the first of which is used. */
export const listOfBytes: Check = value => {
  if (value === undefined) return 'is missing'
  return Array.isArray(value) && value.every(ArrayBuffer.isView) ? undefined : 'is no list of keys'
}

/** Our own address: absolute, http or https, without a slash at its end. */
export const aPublicUrl: Check = value => {
  if (value === undefined) return 'is missing'
  const isUrl = typeof value === 'string' && URL.canParse(value) && /^https?:\/\/[^/]/.test(value)
  if (!isUrl) return 'is no absolute http or https address'
  return value.endsWith('/') ? 'ends with a slash' : undefined
}

/** A number that is not below zero. */
export const aNumber: Check = value =>
  typeof value === 'number' && value >= 0
    ? undefined
    : `is ${tell(value)}; it must be a number, zero or more`

/** An object whose members are numbers, or such objects; what is undefined counts as left out. */
export const numbers: Check = value => {
  const fault = anObject(value)
  if (fault !== undefined) return fault
  for (const [name, member] of Object.entries(value as object)) {
    const isObject = typeof member === 'object' && member !== null
    const wrong = member === undefined ? undefined : (isObject ? numbers : aNumber)(member)
    if (wrong !== undefined) return `has a ${name} that ${wrong}`
  }
  return undefined
}

/** An object with these texts. */
export const withTexts =
  (...texts: readonly string[]): Check =>
  value => {
    const missing = texts.find(
      text => typeof (value as Record<string, unknown>)?.[text] !== 'string',
    )
    return anObject(value) ?? (missing === undefined ? undefined : `has no text ${missing}`)
  }

const browserRules: Check = value =>
  anObject(value) ??
  oneOf(
    'end',
    'keep',
  )((value as { onUserChange?: unknown }).onUserChange)?.replace(
    /^/,
    'has an onUserChange that ',
  ) ??
  numbers({ perBrowser: (value as { perBrowser?: unknown }).perBrowser ?? null })

const usual: Readonly<Record<string, Check>> = {
  ...{ randomBytes: aFunction, random: aFunction, now: aFunction, steady: aFunction },
  perBrowser: aPositiveNumber,
  maxWaiters: aPositiveNumber,
  secure: aBoolean,
  notFound: aBoolean,
  keepOpener: aBoolean,
  hstsIncludeSubDomains: aBoolean,
  frameAncestors: listOfTexts,
  ehrNames: withMethods('get', 'has'),
  rules: browserRules,
  ...{ limits: numbers, pace: numbers, rateLimit: numbers, lifetimes: numbers },
}

// Values may be secrets by mistake: their kind is told, and of texts only short plain words.
function tell(value: unknown): string {
  if (typeof value === 'string') return /^[\w-]{1,16}$/.test(value) ? `'${value}'` : 'another text'
  if (value === undefined) return 'missing'
  return value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`
}

// SMART scopes as this server understands them, v1 and v2 with finer parameters; everything else is
// no scope here (SMART App Launch 2.2, scopes-and-launch-context, SC-01 to SC-17). Pure.

export interface ResourceScope {
  context: 'patient' | 'user'
  /** A resource type, or `*`. */
  type: string
  /** In-order part of `cruds`. */
  letters: string
  /** Search parameters that a resource must match. */
  filter?: URLSearchParams
}

const V1: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' }
const RESOURCE_SCOPE =
  /^(patient|user)\/(\*|[A-Z][A-Za-z]{1,40})\.(read|write|\*|(?=.)c?r?u?d?s?)(?:\?(.+))?$/
const LAUNCH_SCOPE = /^launch(?:\/[a-z]{1,40}(?:\?role=[\w.:/-]{1,100})?)?$/
const PLAIN = new Set(['openid', 'profile', 'fhirUser', 'offline_access', 'online_access'])

/** Scopes that the library itself must know; the others are granted for a FHIR base. */
export const oidcScopes = ['openid', 'profile', 'fhirUser', 'offline_access', 'online_access']

/** A scope on resources; undefined for any other text. */
export function parseResourceScope(scope: string): ResourceScope | undefined {
  const match = RESOURCE_SCOPE.exec(scope)
  if (match === null) return undefined
  const [, context, type = '*', suffix = '', filter] = match
  return {
    context: context === 'user' ? 'user' : 'patient',
    type,
    letters: V1[suffix] ?? suffix,
    ...(filter === undefined ? {} : { filter: new URLSearchParams(filter) }),
  }
}

/** Whether a text is a scope that this server can grant. */
export function isScope(scope: string): boolean {
  return PLAIN.has(scope) || LAUNCH_SCOPE.test(scope) || parseResourceScope(scope) !== undefined
}

/** Whether a scope is written in SMART v1's way, or in no version's own. */
export function isVersion1(scope: string): boolean {
  return parseResourceScope(scope) === undefined || /\.(read|write|\*)$/.test(scope)
}

/** Whether these scopes are about one patient, so that one must be chosen. */
export function asksForPatient(scopes: readonly string[]): boolean {
  return scopes.some(scope => /^(launch$|launch\/patient|launch\/encounter|patient\/)/.test(scope))
}

/** What a scope allows, in words for the consent page. */
export function describeScope(scope: string): string {
  const resource = parseResourceScope(scope)
  if (resource === undefined) return words[scope.replace(/\?.*/, '')] ?? `Know the ${scope}`
  const { context, type, letters, filter } = resource
  const verbs = verbsOf(letters)
    .join(', ')
    .replace(/^./, first => first.toUpperCase())
  const what = type === '*' ? 'everything' : `${type} resources`
  const whose = context === 'patient' ? "in this patient's record" : 'that you have access to'
  return `${verbs} ${what} ${whose}${filter ? ` where ${filter}` : ''}`
}

const words: Readonly<Record<string, string>> = {
  openid: 'Know who you are',
  profile: 'See your name',
  fhirUser: 'Know your own record as a user',
  offline_access: 'Keep this access when you are away',
  online_access: 'Keep this access while you are signed in',
  launch: 'Know what you are working on in the EHR',
  'launch/patient': 'Know which patient you chose',
  'launch/encounter': 'Know which encounter this is about',
}

function verbsOf(letters: string): string[] {
  const reads = letters.includes('r') ? ['read'] : []
  const searches = letters.includes('s') ? ['search'] : []
  const writes = [...letters].flatMap(
    letter => ({ c: ['create'], u: ['change'], d: ['delete'] })[letter] ?? [],
  )
  return [...reads, ...searches, ...writes]
}

// What a FHIR request does, as its audit event tells it: the interaction by FHIR's name, and the resource
// by type and id. Whatever does not look like FHIR is told without a word of it. Pure: no I/O, no clock.

/** FHIR's own names (restful-interaction); `other` for what is none of them. */
export type InteractionCode =
  | 'read'
  | 'vread'
  | 'search-type'
  | 'search-system'
  | 'history-instance'
  | 'history-type'
  | 'history-system'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'operation'
  | 'capabilities'
  | 'batch'
  | 'other'

export interface Interaction {
  code: InteractionCode
  /** A FHIR type; none where it is about all of them. */
  type?: string
  /** The resource's, or of a search the one whose compartment it is in. */
  id?: string
  version?: string
  /** Type of the compartment in which is searched. */
  compartment?: string
  /** Name of an operation, with its `$`. */
  operation?: string
}

const TYPE = /^[A-Z][A-Za-z]{0,63}$/
const ID = /^[A-Za-z0-9.-]{1,64}$/
const OPERATION = /^\$[A-Za-z][A-Za-z0-9-]{0,63}$/
const OTHER: Interaction = { code: 'other' }
const WRITES: Readonly<Record<string, InteractionCode>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Interactions that change nothing at the EHR: the others are recorded before they are sent, too. */
export const READS: ReadonlySet<InteractionCode> = new Set<InteractionCode>([
  ...(['read', 'vread', 'search-type', 'search-system', 'capabilities'] as const),
  ...(['history-instance', 'history-type', 'history-system'] as const),
])

/**
 * The interaction of a method and a path below the FHIR base, as it was judged; escapes count for the letters
 * that they mean to the EHR.
 */
export function findInteraction(method: string, path: string): Interaction {
  const isRead = method === 'GET' || method === 'HEAD'
  const [, type = '', id = '', third = '', fourth = '', ...more] = decode(path).split('/')
  const last = fourth || third || id || type
  if (more.length > 1 || (more[0] ?? '') !== '') return OTHER
  if (last.startsWith('$')) return findOperation(type, id, third, fourth)
  const isSearch = isRead || (method === 'POST' && last === '_search')
  if (type === '' || type === '_search') {
    if (isSearch && id === '') return { code: 'search-system' }
    return type === '' && method === 'POST' ? { code: 'batch' } : OTHER
  }
  if (type === 'metadata' && isRead && id === '') return { code: 'capabilities' }
  if (type === '_history' && isRead && id === '') return { code: 'history-system' }
  if (!TYPE.test(type)) return OTHER
  if (id === '' || id === '_search') {
    if (isSearch) return { code: 'search-type', type }
    return id === '' ? withWrite(method, { type }) : OTHER
  }
  if (id === '_history') return isRead ? { code: 'history-type', type } : OTHER
  if (!ID.test(id)) return OTHER
  if (third === '') return isRead ? { code: 'read', type, id } : withWrite(method, { type, id })
  if (third === '_history') return findVersion(isRead, { type, id, version: fourth })
  const isWithin = isSearch && (fourth === '' || fourth === '_search')
  if (!isWithin) return OTHER
  if (third === '_search' || third === '*') return { code: 'search-system', compartment: type, id }
  return TYPE.test(third) ? { code: 'search-type', type: third, compartment: type, id } : OTHER
}

function withWrite(method: string, what: { type: string; id?: string }): Interaction {
  const code = Object.hasOwn(WRITES, method) ? WRITES[method] : undefined
  if (code === undefined || (code === 'create' && what.id !== undefined)) return OTHER
  return { code, ...what }
}

function findVersion(
  isRead: boolean,
  { type, id, version }: { type: string; id: string; version: string },
): Interaction {
  if (!isRead) return OTHER
  if (version === '') return { code: 'history-instance', type, id }
  return ID.test(version) ? { code: 'vread', type, id, version } : OTHER
}

function findOperation(...segments: string[]): Interaction {
  const before = segments.filter(Boolean)
  const operation = before.pop() ?? ''
  const [type, id, ...more] = before
  if (!OPERATION.test(operation) || more.length > 0) return OTHER
  if (type !== undefined && !TYPE.test(type)) return OTHER
  if (id !== undefined && !ID.test(id)) return OTHER
  return { code: 'operation', type, id, operation }
}

/** A path that cannot be decoded is none of FHIR's. */
function decode(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return '/?'
  }
}

// Batches and transactions: many interactions in one bundle. A transaction is done whole or not at all,
// and its entries may refer to each other by `urn:uuid:` (FHIR R4, transaction).

import { randomUUID } from 'node:crypto'
import { buildOutcome, FhirProblem } from './problem.ts'
import { type FhirAnswer, type FhirRequest, parseResource, parseSegments } from './request.ts'
import { type BundleEntry, isObject, type Resource } from './resource.ts'
import type { Store } from './store.ts'

type Perform = (request: FhirRequest) => FhirAnswer

const ORDER = ['DELETE', 'POST', 'PUT', 'PATCH', 'GET']
const MAX_ENTRIES = 1000
/** Stands for the FHIR base while an entry's relative address is taken apart. */
const BASE = 'http://base'

/** Performs the entries of a bundle by `perform`. */
export function batch(store: Store, request: FhirRequest, perform: Perform): FhirAnswer {
  const bundle = parseResource(request, { type: 'Bundle' })
  const isTransaction = bundle.type === 'transaction'
  if (!isTransaction && bundle.type !== 'batch') {
    throw new FhirProblem(400, 'invalid', 'only batches and transactions are performed')
  }
  const entries = parseEntries(bundle)
  if (entries.length > MAX_ENTRIES) throw new FhirProblem(413, 'too-costly', 'too many entries')
  const done = isTransaction
    ? transact(store, request, entries, perform)
    : entries.map(entry => attempt(() => perform(buildRequest(request, entry))))
  const type = `${bundle.type}-response`
  return { status: 200, resource: { resourceType: 'Bundle', type, entry: done } }
}

function parseEntries({ entry = [] }: Resource): BundleEntry[] {
  if (Array.isArray(entry) && entry.every(isRequest)) return entry
  throw new FhirProblem(400, 'structure', 'an entry of the bundle asks for nothing')
}

function isRequest(entry: unknown): entry is BundleEntry {
  return (
    isObject(entry) &&
    isObject(entry.request) &&
    (entry.fullUrl === undefined || typeof entry.fullUrl === 'string')
  )
}

function transact(
  store: Store,
  request: FhirRequest,
  entries: readonly BundleEntry[],
  perform: Perform,
): BundleEntry[] {
  const { resolved, ids } = resolve(entries)
  const rollback = store.checkpoint()
  const answers = new Map<number, BundleEntry>()
  const order = [...resolved.keys()].sort((a, b) => rank(resolved[a]) - rank(resolved[b]))
  try {
    for (const index of order) {
      const entry = resolved[index] as BundleEntry
      const answer = perform({ ...buildRequest(request, entry), newId: ids[index] })
      answers.set(index, buildEntry(answer))
    }
  } catch (error) {
    rollback()
    throw error
  }
  return entries.map((_, index) => answers.get(index) as BundleEntry)
}

/** Gives entries to be created their ids, and puts these in place of `urn:uuid:` references. */
function resolve(entries: readonly BundleEntry[]): { resolved: BundleEntry[]; ids: string[] } {
  const ids = entries.map(() => randomUUID())
  let text = JSON.stringify(entries)
  entries.forEach(({ fullUrl, resource, request }, index) => {
    if (!fullUrl?.startsWith('urn:uuid:') || request?.method !== 'POST') return
    const reference = JSON.stringify(`${resource?.resourceType}/${ids[index]}`)
    text = text.replaceAll(JSON.stringify(fullUrl), reference)
  })
  return { resolved: JSON.parse(text), ids }
}

function rank(entry: BundleEntry | undefined): number {
  return ORDER.indexOf(String(entry?.request?.method))
}

function buildRequest(
  request: FhirRequest,
  { request: wanted, resource }: BundleEntry,
): FhirRequest {
  const { method, url, ifMatch, ifNoneExist, ifNoneMatch } = wanted ?? {}
  const { site } = request
  const relative = String(url ?? '').replace(`${site.base}/`, '')
  const target = URL.canParse(relative, BASE) ? new URL(relative, BASE) : undefined
  if (target?.origin !== BASE) {
    throw new FhirProblem(400, 'invalid', 'the address of an entry is not below this FHIR base')
  }
  const { pathname, searchParams } = target
  return {
    ...request,
    method: String(method),
    segments: parseSegments(pathname),
    query: searchParams,
    headers: {
      ...(ifMatch === undefined ? {} : { 'if-match': String(ifMatch) }),
      ...(ifNoneExist === undefined ? {} : { 'if-none-exist': String(ifNoneExist) }),
      ...(ifNoneMatch === undefined ? {} : { 'if-none-match': String(ifNoneMatch) }),
    },
    body: Buffer.from(isObject(resource) ? JSON.stringify(bodyOf(method, resource)) : ''),
  }
}

/** In a bundle a JSON Patch comes wrapped in a Binary. */
function bodyOf(method: unknown, resource: Resource): unknown {
  if (method !== 'PATCH') return resource
  try {
    return JSON.parse(Buffer.from(String(resource.data), 'base64').toString())
  } catch {
    throw new FhirProblem(400, 'structure', 'a patch in a bundle is JSON in a Binary')
  }
}

function attempt(perform: () => FhirAnswer): BundleEntry {
  try {
    return buildEntry(perform())
  } catch (error) {
    if (!(error instanceof FhirProblem)) throw error
    const outcome = buildOutcome(error.issue, error.message)
    return { response: { status: String(error.status), outcome } }
  }
}

function buildEntry({ status, headers = {}, resource }: FhirAnswer): BundleEntry {
  const { etag, location } = headers
  return {
    ...(resource === undefined ? {} : { resource: resource as Resource }),
    response: {
      status: String(status),
      ...(etag === undefined ? {} : { etag }),
      ...(location === undefined ? {} : { location }),
      ...(headers['last-modified'] === undefined
        ? {}
        : { lastModified: new Date(headers['last-modified']).toISOString() }),
    },
  }
}

// Writes: create, update, patch and delete, with FHIR's conditions (If-None-Exist, If-Match). A resource
// must lie within the granted access before the change and after it.

import { randomUUID } from 'node:crypto'
import { requireAllowed, requireScope } from './access.ts'
import { namesVersion } from './entity-tags.ts'
import { patchJson } from './json-patch.ts'
import { FhirProblem } from './problem.ts'
import { buildValidators, requireEntry } from './read.ts'
import { type FhirAnswer, type FhirRequest, parseJsonBody, parseResource } from './request.ts'
import type { Resource } from './resource.ts'
import { createMatcher } from './search-match.ts'
import type { Entry, Store } from './store.ts'

const ID = /^[A-Za-z0-9.-]{1,64}$/

/** Makes a new resource, unless one that `If-None-Exist` describes is there. */
export function create(store: Store, request: FhirRequest, type: string): FhirAnswer {
  requireScope(request.access, 'c', type)
  const condition = request.headers['if-none-exist']
  if (condition !== undefined) {
    const query = new URLSearchParams(String(condition).replace(/^.*\?/, ''))
    const same = store.list(type).filter(createMatcher(type, query))
    if (same.length > 1) throw new FhirProblem(412, 'multiple-matches', 'several exist already')
    const entry = same[0] && store.find(type, same[0].id)
    if (entry) {
      requireAllowed(request.access, 'c', entry.resource)
      return answer(request, entry, 200)
    }
  }
  const resource = { ...readWritten(request, type), id: request.newId ?? randomUUID() }
  requireAllowed(request.access, 'c', resource)
  return answer(request, store.put(resource), 201)
}

/** Writes a resource's next version, or its first one under an id of the client's. */
export function update(store: Store, request: FhirRequest, type: string, id: string): FhirAnswer {
  requireScope(request.access, 'u', type)
  if (!ID.test(id)) throw new FhirProblem(400, 'invalid', 'this is no id')
  const resource = readWritten(request, type, id)
  const entry = store.find(type, id)
  if (entry !== undefined && !entry.deleted) requireAllowed(request.access, 'u', entry.resource)
  requireVersion(request, entry)
  requireAllowed(request.access, 'u', resource)
  const isNew = entry === undefined || entry.deleted
  return answer(request, store.put(resource), isNew ? 201 : 200)
}

/** Changes parts of a resource, by JSON Patch. */
export function patch(store: Store, request: FhirRequest, type: string, id: string): FhirAnswer {
  requireScope(request.access, 'u', type)
  const entry = requireEntry(store, type, id)
  requireAllowed(request.access, 'u', entry.resource)
  requireVersion(request, entry)
  const patched = patchJson(
    entry.resource,
    parseJsonBody(request.body, request.headers),
  ) as Resource
  if (patched.resourceType !== type || patched.id !== id) {
    throw new FhirProblem(400, 'invalid', 'a patch changes neither type nor id')
  }
  requireAllowed(request.access, 'u', patched)
  return answer(request, store.put(patched), 200)
}

/** Deletes a resource; one that is not there is no fault. */
export function remove(store: Store, request: FhirRequest, type: string, id: string): FhirAnswer {
  requireScope(request.access, 'd', type)
  const entry = store.find(type, id)
  if (entry !== undefined && !entry.deleted) {
    requireAllowed(request.access, 'd', entry.resource)
    requireVersion(request, entry)
    store.remove(type, id)
  }
  return { status: 204 }
}

/** The resource to write: the body, or a Binary that the body is the content of (FHIR R4, Binary). */
function readWritten(request: FhirRequest, type: string, id?: string): Resource {
  const { site, headers, body, access } = request
  const contentType = headers['content-type'] ?? 'application/fhir+json'
  if (type !== 'Binary' || isResource(contentType, body)) {
    return parseResource(request, { type, id })
  }
  const own = access.patient === undefined ? undefined : `Patient/${access.patient}`
  const named = headers['x-security-context'] ?? own
  const reference = named === undefined ? undefined : String(named).replace(`${site.base}/`, '')
  return {
    resourceType: 'Binary',
    id: id ?? '',
    contentType,
    ...(reference === undefined ? {} : { securityContext: { reference } }),
    data: body.toString('base64'),
  }
}

/** Whether a body at Binary is the resource itself: FHIR's types, or JSON that says so. */
function isResource(contentType: string, body: Buffer): boolean {
  if (/fhir/.test(contentType)) return true
  return /json/.test(contentType) && /"resourceType"\s*:\s*"Binary"/.test(String(body))
}

function requireVersion({ site, headers }: FhirRequest, entry: Entry | undefined): void {
  const match = headers['if-match']
  if (match === undefined) return
  if (entry === undefined || !namesVersion(site, match, entry.version)) {
    throw new FhirProblem(412, 'conflict', 'the resource has another version by now')
  }
}

function answer(request: FhirRequest, entry: Entry, status: 200 | 201): FhirAnswer {
  const { site, headers } = request
  const { resource, version } = entry
  const { resourceType, id } = resource
  const location = `${site.base}/${resourceType}/${id}/_history/${version}`
  return {
    status,
    headers: { ...buildValidators(request, entry), ...(status === 201 ? { location } : {}) },
    ...(headers.prefer?.includes('return=minimal') ? {} : { resource }),
  }
}

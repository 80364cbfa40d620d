// Reads: one resource, with the validators that make reading again cheap (FHIR R4, conditional read);
// Binary as its bytes, in parts where asked; everything of one patient.

import { isAllowed, patientOf, requireAllowed, requireScope } from './access.ts'
import { buildTag, namesVersion } from './entity-tags.ts'
import { FhirProblem } from './problem.ts'
import type { FhirAnswer, FhirRequest } from './request.ts'
import type { Bundle, Resource } from './resource.ts'
import { buildEntry } from './search.ts'
import type { Entry, Store } from './store.ts'

/** Reads one resource. */
export function read(store: Store, request: FhirRequest, type: string, id: string): FhirAnswer {
  requireScope(request.access, 'r', type)
  const entry = requireEntry(store, type, id)
  requireAllowed(request.access, 'r', entry.resource)
  const headers = buildValidators(request, entry)
  if (isUnchanged(request, entry)) return { status: 304, headers }
  if (type !== 'Binary' || wantsFhir(request)) {
    return { status: 200, headers, resource: entry.resource }
  }
  return readBytes(request, entry.resource, headers)
}

/** The entry of a resource that is there; refuses with 404, or 410 where it was deleted. */
export function requireEntry(store: Store, type: string, id: string): Entry {
  const entry = store.find(type, id)
  if (entry === undefined) throw new FhirProblem(404, 'not-found', `there is no ${type} of this id`)
  if (entry.deleted) throw new FhirProblem(410, 'deleted', `this ${type} was deleted`)
  return entry
}

/** ETag and Last-Modified of a version. */
export function buildValidators(
  { site }: FhirRequest,
  { version, lastUpdated }: Entry,
): Record<string, string> {
  return { etag: buildTag(site, version), 'last-modified': lastUpdated.toUTCString() }
}

function isUnchanged({ site, headers }: FhirRequest, { version, lastUpdated }: Entry): boolean {
  const match = headers['if-none-match']
  if (match !== undefined) return namesVersion(site, match, version)
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return Math.floor(lastUpdated.getTime() / 1000) * 1000 <= since
}

function wantsFhir({ headers, query }: FhirRequest): boolean {
  return query.has('_format') || /fhir\+(json|xml)|json\+fhir/.test(headers.accept ?? '')
}

function readBytes(
  { headers }: FhirRequest,
  { contentType, data }: Resource,
  validators: Record<string, string>,
): FhirAnswer {
  const type = String(contentType ?? 'application/octet-stream')
  const bytes = Buffer.from(String(data ?? ''), 'base64')
  const whole = { ...validators, 'accept-ranges': 'bytes' }
  const match = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '')
  if (match === null) return { status: 200, headers: whole, raw: { type, bytes } }
  const [, first = '', last = ''] = match
  const start = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first)
  const end =
    first === '' || last === '' ? bytes.length - 1 : Math.min(Number(last), bytes.length - 1)
  if (start > end) {
    throw new FhirProblem(416, 'invalid', 'there are no such bytes', {
      headers: { 'content-range': `bytes */${bytes.length}` },
    })
  }
  return {
    status: 206,
    headers: { ...whole, 'content-range': `bytes ${start}-${end}/${bytes.length}` },
    raw: { type, bytes: bytes.subarray(start, end + 1) },
  }
}

/** Everything of one patient that may be read, in one bundle (Patient/$everything). */
export function readEverything(store: Store, request: FhirRequest, id: string): FhirAnswer {
  const { access, site } = request
  requireScope(access, 'r', 'Patient')
  const patient = requireEntry(store, 'Patient', id).resource
  requireAllowed(access, 'r', patient)
  const own = store
    .types()
    .filter(type => type !== 'Patient' && type !== 'Binary')
    .flatMap(type => store.list(type))
    .filter(resource => patientOf(resource) === id && isAllowed(access, 'r', resource))
  const bundle: Bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    total: own.length + 1,
    link: [{ relation: 'self', url: `${site.base}/Patient/${id}/$everything` }],
    entry: [patient, ...own].map(resource => buildEntry(site.base, resource, 'match')),
  }
  return { status: 200, resource: bundle }
}

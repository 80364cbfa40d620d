// Which interaction a path and a method ask for (FHIR R4, http).

import { batch } from './batch.ts'
import { FhirProblem } from './problem.ts'
import { read, readEverything } from './read.ts'
import type { FhirAnswer, FhirRequest } from './request.ts'
import { search, searchPage } from './search.ts'
import { resourceTypes } from './search-parameters.ts'
import type { Store } from './store.ts'
import { create, patch, remove, update } from './write.ts'

const onResource: ReadonlyMap<string, typeof read> = new Map([
  ['GET', read],
  ['PUT', update],
  ['PATCH', patch],
  ['DELETE', remove],
])

/** Does one interaction; refuses with 404 or 405 what is none. */
export function interact(store: Store, request: FhirRequest): FhirAnswer {
  const { segments, query } = request
  const [type, id, operation, more] = segments
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (type === undefined) {
    if (method === 'POST') return batch(store, request, one => interact(store, one))
    if (method === 'GET' && query.has('_getpages')) return searchPage(store, request)
    throw notAllowed('GET, POST')
  }
  if (!resourceTypes.includes(type)) {
    throw new FhirProblem(404, 'not-supported', 'there are no resources of this type here')
  }
  if (id === undefined) {
    if (method === 'GET') return search(store, request, type)
    if (method === 'POST') return create(store, request, type)
    throw notAllowed('GET, POST')
  }
  if (id === '_search' && operation === undefined) {
    if (method === 'POST') return search(store, request, type)
    throw notAllowed('POST')
  }
  if (type === 'Patient' && operation === '$everything' && more === undefined) {
    if (method === 'GET') return readEverything(store, request, id)
    throw notAllowed('GET')
  }
  if (operation !== undefined) throw new FhirProblem(404, 'not-found', 'there is nothing here')
  const interaction = onResource.get(method)
  if (interaction === undefined) throw notAllowed('GET, HEAD, PUT, PATCH, DELETE')
  return interaction(store, request, type, id)
}

/** The refusal of a method, which names those that there are. */
export function notAllowed(allow: string): FhirProblem {
  return new FhirProblem(405, 'not-supported', 'this method is not for this', {
    headers: { allow },
  })
}

// FHIR of one session, through fhirstorm: below the session's own base URL, so that two patients in
// two tabs can never be mixed up.

import { Fault, fetchOrFault } from './fault.js'

const ACCEPT = 'application/fhir+json, application/json+fhir;q=0.9'

/** A client for one session; `onEnd` hears when fhirstorm says that the session is over. */
export function createFhirClient({ fhirBaseUrl, issuer }, { onEnd }) {
  return { read, search, searchAll, readPage }

  /** One resource, by its path below the base. */
  async function read(path) {
    const response = await request(`${fhirBaseUrl}/${path}`)
    return await response.json()
  }

  /** The first page of a search by type. */
  function search(type, parameters) {
    return readPage(`${fhirBaseUrl}/${type}?${new URLSearchParams(parameters)}`, type)
  }

  /** A search's resources of that type over all its pages, but no more than so many pages. */
  async function searchAll(type, parameters, maxPages = 8) {
    const found = []
    let page = await search(type, parameters)
    for (let count = 1; ; count++) {
      found.push(...page.resources)
      if (page.next === undefined || count === maxPages) return found
      page = await readPage(page.next, type)
    }
  }

  /** The page of a search at an address: its resources, the total where told, the next address. */
  async function readPage(url, type) {
    const bundle = await (await request(url)).json()
    const resources = (bundle.entry ?? []).map(({ resource }) => resource)
    const link = bundle.link?.find(({ relation }) => relation === 'next')
    return {
      url,
      total: bundle.total,
      resources: resources.filter(resource => resource?.resourceType === type),
      next: link && toOurs(link.url),
    }
  }

  /** An address that a bundle names, below our base; pages elsewhere are not followed. */
  function toOurs(url) {
    const bases = [fhirBaseUrl, issuer.replace(/\/$/, '')]
    const base = bases.find(one => url.startsWith(one) && /^([/?]|$)/.test(url.slice(one.length)))
    return base && fhirBaseUrl + url.slice(base.length)
  }

  async function request(url) {
    try {
      return await fetchOrFault(url, { headers: { accept: ACCEPT } })
    } catch (fault) {
      if (fault instanceof Fault && fault.endsSession) onEnd()
      throw fault
    }
  }
}

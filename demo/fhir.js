// FHIR of one session, through fhirstorm: below the session's own base URL, so that two patients in
// two tabs can never be mixed up.

import { Fault, readFault } from '../client/index.ts'
import { fhirstorm } from './fhirstorm.js'

/** Beyond what fhirstorm itself waits for an EHR. */
const ANSWER_MS = 90_000
const ACCEPT = 'application/fhir+json, application/json+fhir;q=0.9'

/** A client for one session; `onWait` hears that something waits for the EHR to answer. */
export function createFhirClient({ fhirBaseUrl, issuer }, onWait = () => undefined) {
  const waiting = new Set()
  return {
    read,
    readBlob,
    search,
    searchAll,
    readPage,
    /** Remembers what could not be loaded because the EHR does not answer. */
    whenBack(load) {
      waiting.add(load)
      onWait()
    },
    tryAgain,
  }

  /** One resource, by its path below the base. */
  async function read(path) {
    const response = await request(`${fhirBaseUrl}/${path}`)
    return await response.json()
  }

  /** The bytes at an address of this EHR; undefined for addresses elsewhere. */
  async function readBlob(url, contentType) {
    const ours = toOurs(new URL(url, `${fhirBaseUrl}/`).href)
    if (ours === undefined) return undefined
    const response = await request(ours, `${contentType}, ${ACCEPT}`)
    if (!/^application\/(fhir\+)?json/.test(response.headers.get('content-type') ?? '')) {
      return await response.blob()
    }
    const binary = await response.json()
    return decode(binary.data ?? binary.content ?? '', binary.contentType)
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

  function tryAgain() {
    const loads = [...waiting]
    waiting.clear()
    for (const load of loads) load()
  }

  /** An address that the EHR names, below our base; what is elsewhere is not followed. */
  function toOurs(url) {
    const bases = [fhirBaseUrl, issuer.replace(/\/$/, '')]
    const base = bases.find(one => url.startsWith(one) && /^([/?]|$)/.test(url.slice(one.length)))
    return base && fhirBaseUrl + url.slice(base.length)
  }
}

/** Bytes that stand in a resource, in base64. */
export function decode(base64, contentType) {
  const bytes = Uint8Array.from(atob(base64.replace(/\s/g, '')), byte => byte.charCodeAt(0))
  return new Blob([bytes], { type: contentType ?? '' })
}

async function request(url, accept = ACCEPT) {
  const signal = AbortSignal.timeout(ANSWER_MS)
  const response = await fhirstorm.fetch(url, { headers: { accept }, signal }).catch(cause => {
    throw new Fault('fhirstorm does not answer.', { kind: 'network', cause })
  })
  if (!response.ok) throw await readFault(response)
  return response
}

// How FHIR servers write addresses of their own: relative to the host or the scheme, with dots or
// encoded, and where a `url` is a link although the resource's own `url` is a name.

import { isObject } from '../fhir/resource.ts'
import { toXml } from '../fhir/xml.ts'
import { type Answer, text, withHeaders } from '../http/answer.ts'
import { fhirJson } from './answers.ts'
import type { Call, Document, Face } from './face.ts'

/** A face whose bundles write their links, and only these, in another way. */
function linked(name: string, about: string, write: (url: string, call: Call) => string): Face {
  return {
    name,
    about,
    async fhir(answer, call) {
      const plain = await answer()
      const document = parse(plain)
      if (document === undefined || !Array.isArray(document.link)) return plain
      const link = document.link.map(one => ({ ...one, url: write(String(one.url), call) }))
      return { ...plain, body: JSON.stringify({ ...document, link }) }
    },
  }
}

function parse({ headers, body }: Answer): Document | undefined {
  if (typeof body !== 'string' || !/json/.test(String(headers['content-type']))) return undefined
  const value: unknown = JSON.parse(body)
  return isObject(value) ? value : undefined
}

/** A face whose Location and Content-Location are written in another way. */
function located(name: string, about: string, write: (url: string, call: Call) => string): Face {
  return {
    name,
    about,
    async fhir(answer, call) {
      const plain = await answer()
      const { location } = plain.headers
      if (typeof location !== 'string') return plain
      const written = write(location, call)
      return withHeaders(plain, { location: written, 'content-location': written })
    },
  }
}

const hostRelative = (url: string, { site }: Call) => url.replace(site.origin, '')
const schemeRelative = (url: string) => url.replace(/^https?:/, '')
const baseRelative = (url: string, { site }: Call) => url.replace(`${site.base}/`, '')

const spellings: readonly Face[] = [
  linked('links-host-relative', 'Links of bundles begin at the host: /fhir/…', hostRelative),
  linked('links-scheme-relative', 'Links of bundles begin with //host/…', schemeRelative),
  linked('links-dots', 'Links of bundles go through a folder and back.', (url, { site }) =>
    url.replace(site.base, `${site.base}/../fhir`),
  ),
  linked('links-encoded', 'Links of bundles encode a letter of the path.', (url, { site }) =>
    url.replace(site.base, site.base.replace(/fhir$/, '%66hir')),
  ),
  linked('links-capitals', 'Links of bundles have the scheme in capitals.', url =>
    url.replace(/^http/, 'HTTP'),
  ),
  located('location-host-relative', 'Location begins at the host.', hostRelative),
  located('location-scheme-relative', 'Location begins with //host/…', schemeRelative),
  located('location-base-relative', 'Location is relative to the FHIR base.', baseRelative),
  located('location-elsewhere', 'Location names another server.', () => 'https://evil.example/1'),
]

const PAGE = 10

/** What canonical resources' operations answer, by the path below the base; each has two pages. */
const operations: Readonly<Record<string, (base: string) => Document>> = {
  '/Questionnaire/_history': base => questionnaire(base),
  '/ValueSet/$expand': base => valueSet(base),
  '/Measure/$evaluate-measure': base => measureReport(base),
}

function questionnaire(base: string): Document {
  const url = `${base}/Questionnaire/intake`
  return { resourceType: 'Questionnaire', id: 'intake', url, status: 'active', title: 'Intake' }
}

function valueSet(base: string): Document {
  const url = `${base}/ValueSet/smoking`
  return { resourceType: 'ValueSet', id: 'smoking', url, status: 'active', name: 'Smoking' }
}

function measureReport(base: string): Document {
  const measure = `${base}/Measure/blood-pressure`
  return {
    resourceType: 'MeasureReport',
    id: 'report',
    status: 'complete',
    type: 'summary',
    measure,
  }
}

function buildPage({ site, path, query }: Call, resource: Document): Document {
  const at = (offset: number) => {
    const next = new URLSearchParams(query)
    next.set('offset', String(offset))
    return `${site.base}${path}?${next}`
  }
  const offset = Number(query.get('offset') ?? 0)
  const further =
    offset === 0 ? { relation: 'next', url: at(PAGE) } : { relation: 'previous', url: at(0) }
  return {
    resourceType: 'Bundle',
    type: path.endsWith('_history') ? 'history' : 'searchset',
    link: [{ relation: 'self', url: at(offset) }, further],
    entry: [
      {
        fullUrl: `${site.base}/${resource.resourceType}/${resource.id}`,
        resource,
        request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
      },
    ],
  }
}

const canonical: Face = {
  name: 'links-canonical',
  about:
    'Pages of Questionnaire/_history, ValueSet/$expand and Measure/$evaluate-measure, whose resources are named by canonical addresses below the FHIR base.',
  async fhir(answer, call) {
    const build = operations[call.path]
    const plain = await answer()
    if (build === undefined || plain.status === 401) return plain
    const bundle = buildPage(call, build(call.site.base))
    const asked = call.query.get('_format') ?? call.headers.accept ?? ''
    return /xml/.test(asked)
      ? text(toXml(bundle), { type: 'application/fhir+xml; charset=utf-8' })
      : fhirJson(bundle)
  },
}

export const linkFaces: readonly Face[] = [...spellings, canonical]

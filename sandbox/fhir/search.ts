// Searches: what matches and may be seen, sorted, with what is included, one page at a time. The links
// to other pages are opaque and absolute, as large servers have them.

import { type Access, isAllowed, requireScope } from './access.ts'
import { FhirProblem } from './problem.ts'
import type { FhirAnswer, FhirRequest } from './request.ts'
import { type Bundle, type BundleEntry, type Resource, valuesAt } from './resource.ts'
import { createMatcher, findParameter, rangeOf } from './search-match.ts'
import type { Store } from './store.ts'

const DEFAULT_COUNT = 20
const MAX_COUNT = 250

interface Search {
  type: string
  query: URLSearchParams
  offset: number
  count: number
}

/** Answers a search by type, from a query or a form. */
export function search(store: Store, request: FhirRequest, type: string): FhirAnswer {
  const query = new URLSearchParams(request.query)
  if (request.method === 'POST') {
    for (const [name, value] of new URLSearchParams(String(request.body))) query.append(name, value)
  }
  return answerPage(store, request, { type, query, offset: 0, count: parseCount(query) })
}

/** Answers the address of a page that an earlier answer named. */
export function searchPage(store: Store, request: FhirRequest): FhirAnswer {
  const token = request.query.get('_getpages') ?? ''
  const [type = '', text = ''] = Buffer.from(token, 'base64url').toString().split('?')
  const offset = Number(request.query.get('_getpagesoffset'))
  if (!/^[A-Z][A-Za-z]+$/.test(type) || !Number.isInteger(offset) || offset < 0) {
    throw new FhirProblem(410, 'expired', 'this page is not there any more')
  }
  const query = new URLSearchParams(text)
  return answerPage(store, request, { type, query, offset, count: parseCount(request.query) })
}

function answerPage(store: Store, { site, access }: FhirRequest, search: Search): FhirAnswer {
  const { type, query, offset, count } = search
  requireScope(access, 's', type)
  const found = sort(find(store, access, search), query)
  const shown = found.slice(offset, offset + count)
  const matches = shown.map(resource => buildEntry(site.base, resource, 'match'))
  const included = include(store, access, shown, query)
  const page = (at: number) => buildPageUrl(site.base, search, at)
  const bundle: Bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(query.get('_total') === 'none' ? {} : { total: found.length }),
    link: [
      { relation: 'self', url: offset === 0 ? selfUrl(site.base, type, query) : page(offset) },
      ...(offset + count < found.length ? [{ relation: 'next', url: page(offset + count) }] : []),
      ...(offset > 0 ? [{ relation: 'previous', url: page(Math.max(0, offset - count)) }] : []),
    ],
    entry: [...matches, ...included.map(one => buildEntry(site.base, one, 'include'))],
  }
  if (query.get('_summary') === 'count') {
    delete bundle.entry
    delete bundle.link
  }
  return { status: 200, resource: bundle }
}

/** What matches the parameters that are no instructions, among what may be seen. */
function find(store: Store, access: Access, { type, query }: Search): Resource[] {
  const filters = new URLSearchParams(
    [...query].filter(([name]) => !name.startsWith('_') || /^_(id|lastUpdated)\b/.test(name)),
  )
  const matches = createMatcher(type, filters)
  return store.list(type).filter(resource => matches(resource) && isAllowed(access, 's', resource))
}

function sort(resources: Resource[], query: URLSearchParams): Resource[] {
  const rules = query.getAll('_sort').flatMap(rule => rule.split(',').filter(Boolean))
  return rules.toReversed().reduce((sorted, rule) => {
    const name = rule.replace(/^-/, '')
    const direction = rule.startsWith('-') ? -1 : 1
    const keyed = sorted.map(resource => ({ resource, key: sortKey(resource, name) }))
    return keyed
      .sort((a, b) => direction * (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
      .map(({ resource }) => resource)
  }, resources)
}

function sortKey(resource: Resource, name: string): string | number {
  const { kind, paths } = findParameter(resource.resourceType, name)
  const [value] = paths.flatMap(path => valuesAt(resource, path))
  if (kind === 'date') return rangeOf(value)?.start ?? 0
  const [code] = kind === 'token' ? valuesAt(value, 'coding.code') : []
  return String(code ?? value ?? '').toLowerCase()
}

function include(
  store: Store,
  access: Access,
  shown: Resource[],
  query: URLSearchParams,
): Resource[] {
  const found = new Map<string, Resource>()
  for (const wanted of query.getAll('_include')) {
    const [type = '', name = ''] = wanted.split(':')
    const { paths } = findParameter(type, name)
    const sources = shown.filter(({ resourceType }) => resourceType === type)
    for (const reference of sources.flatMap(one =>
      paths.flatMap(path => valuesAt(one, `${path}.reference`)),
    )) {
      const entry = store.find(...(String(reference).split('/') as [string, string]))
      if (entry && !entry.deleted && isAllowed(access, 'r', entry.resource)) {
        found.set(String(reference), entry.resource)
      }
    }
  }
  return [...found.values()]
}

/** A resource as an entry of a bundle, under its address here. */
export function buildEntry(
  base: string,
  resource: Resource,
  mode: 'match' | 'include',
): BundleEntry {
  return { fullUrl: `${base}/${resource.resourceType}/${resource.id}`, resource, search: { mode } }
}

function parseCount(query: URLSearchParams): number {
  const text = query.get('_count')
  if (text === null) return DEFAULT_COUNT
  if (!/^\d{1,6}$/.test(text)) throw new FhirProblem(400, 'invalid', '_count is no number')
  return Math.min(MAX_COUNT, Math.max(1, Number(text)))
}

function selfUrl(base: string, type: string, query: URLSearchParams): string {
  return query.size === 0 ? `${base}/${type}` : `${base}/${type}?${query}`
}

function buildPageUrl(base: string, { type, query, count }: Search, offset: number): string {
  const token = Buffer.from(`${type}?${query}`).toString('base64url')
  return `${base}?_getpages=${token}&_getpagesoffset=${offset}&_count=${count}`
}

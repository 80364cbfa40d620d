// What the entries of a batch or transaction ask for: the EHR would resolve their URLs, so none may
// name another server, climb, or be anything but a path below the FHIR base (SMART App Launch
// scopes; attacks P12; requirements AL-53, SC-22). Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import type { DocumentKind } from './media-type.ts'
import { isRelativePath } from './target.ts'

const REQUEST = /<(?:[A-Za-z_][\w.-]*:)?request[\s>]/g
const REQUEST_END = /<\/(?:[A-Za-z_][\w.-]*:)?request[\s>]/g
const URL_ELEMENT = /<(?:[A-Za-z_][\w.-]*:)?url\s[^<>]*?value\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/

/**
 * Refuses with `foreign_reference` a Bundle one of whose entries asks for something outside `base`,
 * the EHR's own. A body that is no Bundle is the EHR's to judge.
 */
export function verifyEntryUrls(kind: DocumentKind, body: string, base: string): void {
  for (const url of kind === 'json' ? listFromJson(body) : listFromXml(body)) {
    const [path = ''] = url.split('?', 1)
    if (path === base || (path.startsWith(`${base}/`) && isRelativePath(path.slice(base.length)))) {
      continue
    }
    if (!isRelativePath(path.startsWith('/') ? path : `/${path}`)) {
      throw new BrokerError('foreign_reference')
    }
  }
}

function listFromJson(body: string): string[] {
  const bundle = parseJson(body)
  const entries = isRecord(bundle) && bundle.resourceType === 'Bundle' ? bundle.entry : undefined
  if (!Array.isArray(entries)) return []
  const requests = entries.map(entry => (isRecord(entry) ? entry.request : undefined))
  const urls = requests.map(request => (isRecord(request) ? request.url : undefined))
  return urls.filter(url => typeof url === 'string')
}

// Element by element, so that the time grows no faster than the text.
function listFromXml(body: string): string[] {
  const text = dropComments(body)
  const urls: string[] = []
  REQUEST.lastIndex = 0
  while (REQUEST.exec(text)) {
    const start = REQUEST.lastIndex
    REQUEST_END.lastIndex = start
    const end = REQUEST_END.exec(text)?.index ?? text.length
    const [, quoted, apostrophed] = URL_ELEMENT.exec(text.slice(start, end)) ?? []
    const url = quoted ?? apostrophed
    if (url !== undefined) urls.push(url)
    REQUEST.lastIndex = end
  }
  return urls
}

function dropComments(text: string): string {
  const [first = '', ...rest] = text.split('<!--')
  return rest.reduce((kept, part) => kept + part.slice(part.indexOf('-->') + 3), first)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

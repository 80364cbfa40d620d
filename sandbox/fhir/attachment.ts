// Attachments of documents point to their content by absolute addresses, as large servers write them.
// Pure.

import { type Elements, isObject } from './resource.ts'

/** The resource, or the bundle, with the addresses of attachments below this FHIR base. */
export function addressAttachments(resource: Elements, base: string): Elements {
  if (resource.resourceType === 'DocumentReference') {
    return { ...resource, content: mapItems(resource.content, item => addressItem(item, base)) }
  }
  if (resource.resourceType !== 'Bundle') return resource
  const entry = mapItems(resource.entry, item =>
    isObject(item.resource) ? { ...item, resource: addressAttachments(item.resource, base) } : item,
  )
  return { ...resource, entry }
}

function addressItem(item: Record<string, unknown>, base: string): Record<string, unknown> {
  const { attachment } = item
  if (!isObject(attachment) || !String(attachment.url).startsWith('Binary/')) return item
  return { ...item, attachment: { ...attachment, url: `${base}/${attachment.url}` } }
}

function mapItems(
  value: unknown,
  change: (item: Record<string, unknown>) => Record<string, unknown>,
): unknown {
  return Array.isArray(value) ? value.map(item => (isObject(item) ? change(item) : item)) : value
}

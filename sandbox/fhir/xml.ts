// FHIR JSON as FHIR XML, without a schema: elements in their JSON order, primitives as `value`
// attributes, ids and extension URLs as attributes, narrative as it is (FHIR R4, xml). Pure.

import { isObject } from './resource.ts'

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'

/** A resource as an XML document. */
export function toXml(resource: Readonly<Record<string, unknown>>): string {
  return `${DECLARATION}\n${writeResource(resource, ' xmlns="http://hl7.org/fhir"')}\n`
}

function writeResource(resource: Readonly<Record<string, unknown>>, namespace = ''): string {
  const { resourceType, ...elements } = resource
  return `<${resourceType}${namespace}>${writeElements(elements)}</${resourceType}>`
}

function writeElements(elements: Readonly<Record<string, unknown>>): string {
  return Object.entries(elements)
    .filter(([name]) => !name.startsWith('_') || elements[name.slice(1)] === undefined)
    .map(([name, value]) => writeMember(name.replace(/^_/, ''), elements, value))
    .join('')
}

function writeMember(
  name: string,
  siblings: Readonly<Record<string, unknown>>,
  value: unknown,
): string {
  const extras = [siblings[`_${name}`] ?? []].flat()
  const values = siblings[name] === undefined ? [] : [value].flat()
  const length = Math.max(values.length, extras.length)
  return Array.from({ length }, (_, index) =>
    writeElement(name, values[index], extras[index]),
  ).join('')
}

function writeElement(name: string, value: unknown, extra: unknown): string {
  if (name === 'div') return String(value)
  if (isObject(value)) {
    if (typeof value.resourceType === 'string') return `<${name}>${writeResource(value)}</${name}>`
    return writeComplex(name, value)
  }
  const content = isObject(extra) ? extra : {}
  return writeComplex(
    name,
    content,
    value === undefined || value === null ? undefined : String(value),
  )
}

function writeComplex(
  name: string,
  { id, ...elements }: Readonly<Record<string, unknown>>,
  value?: string,
): string {
  const isExtension = name === 'extension' || name === 'modifierExtension'
  const { url, ...rest } = elements
  const attributes = [
    ['id', id],
    ['url', isExtension ? url : undefined],
    ['value', value],
  ].flatMap(([key, text]) => (text === undefined ? [] : ` ${key}="${escapeText(String(text))}"`))
  const children = writeElements(isExtension ? rest : elements)
  const tag = `${name}${attributes.join('')}`
  return children === '' ? `<${tag}/>` : `<${tag}>${children}</${name}>`
}

function escapeText(text: string): string {
  return text.replace(/[&<>"\n\r\t]/g, character => `&#${character.charCodeAt(0)};`)
}

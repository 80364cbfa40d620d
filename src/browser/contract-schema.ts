// The schemas of an OpenAPI document in words: the type of each, and one row for each member, those of objects
// within it under their whole name. Pure: no I/O.

import { escapeHtml } from './page.ts'

/** What is read of a JSON schema (2020-12). */
export interface Schema {
  $ref?: string
  type?: string | string[]
  format?: string
  const?: unknown
  enum?: unknown[]
  pattern?: string
  maxLength?: number
  description?: string
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  required?: string[]
  properties?: Record<string, Schema>
}

/** A table of a schema's members, or of its values; HTML. */
export function buildSchema(schema: Schema): string {
  const about = schema.description === undefined ? '' : `<p>${writeProse(schema.description)}</p>`
  const rows = listMembers(schema)
  if (rows.length > 0) return `${about}<table>${rows.join('')}</table>`
  if (schema.enum === undefined) return `${about}<p>${nameType(schema)}</p>`
  const values = schema.enum.map(value => `<code>${escapeHtml(String(value))}</code>`)
  return `${about}<p>${values.join(' ')}</p>`
}

/** The type of a schema in a few words, a link where it has a name; HTML. */
export function nameType(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = escapeHtml(schema.$ref.split('/').at(-1) ?? '')
    return `<a href="#${name}">${name}</a>`
  }
  if (schema.const !== undefined) return `<code>${escapeHtml(String(schema.const))}</code>`
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return choices.map(nameType).join(' or ')
  if (schema.enum !== undefined) {
    return schema.enum.map(value => `<code>${escapeHtml(String(value))}</code>`).join(' or ')
  }
  if (schema.items !== undefined) return `list of ${nameType(schema.items)}`
  const limits = [
    schema.format,
    schema.pattern && `matches ${schema.pattern}`,
    schema.maxLength && `at most ${schema.maxLength} characters`,
  ].filter(Boolean)
  const type = [schema.type ?? 'anything'].flat().join(' or ')
  return escapeHtml([type, ...limits].join(', '))
}

function listMembers({ properties = {}, required = [] }: Schema, within = ''): string[] {
  return Object.entries(properties).flatMap(([name, member]) => {
    const whole = within + name
    const inner = member.items ?? member
    const suffix = member.items === undefined ? '.' : '[].'
    return [buildRow(whole, required.includes(name), member), ...listMembers(inner, whole + suffix)]
  })
}

/** A row for a member or a parameter: its name, whether it is always there, its type, what it is; HTML. */
export function buildRow(name: string, isRequired: boolean, schema: Schema): string {
  const cells = [
    `<code>${escapeHtml(name)}</code>`,
    isRequired ? 'always' : 'optional',
    nameType(schema),
    writeProse(schema.description ?? ''),
  ]
  return `<tr>${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>`
}

/** A description as HTML: what stands between backticks is code (CommonMark 6.1). */
export function writeProse(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

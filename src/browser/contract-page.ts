// openapi.yaml as a plain page: operations by tag, each with its parameters, its body and its answers, and the
// schemas that they name. No script. Pure: no I/O.

import { buildRow, buildSchema, nameType, type Schema, writeProse } from './contract-schema.ts'
import { buildDocumentPage, escapeHtml, type Page } from './page.ts'

/** What the page reads of an OpenAPI document; everything else is left to the file itself. */
export interface ContractDocument {
  info: { title: string; version: string; description?: string }
  tags?: { name: string; description?: string }[]
  paths: Record<string, Record<string, unknown>>
  components?: { schemas?: Record<string, Schema> } & Record<string, Record<string, unknown>>
}

interface Reference {
  $ref?: string
}

interface Parameter extends Reference {
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: Schema
}

interface Content {
  description?: string
  content?: Record<string, { schema?: Schema }>
  headers?: Record<string, { description?: string; schema?: Schema }>
}

interface Operation {
  tags?: string[]
  summary?: string
  description?: string
  parameters?: Parameter[]
  requestBody?: Content & Reference
  responses?: Record<string, Content & Reference>
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete']

/** The page; every text in it comes from the document and is escaped. */
export function buildContractPage(document: ContractDocument): Page {
  const { info, tags = [], components } = document
  const operations = listOperations(document)
  const sections = tags.map(({ name, description = '' }) => {
    const ours = operations.filter(({ operation }) => operation.tags?.includes(name))
    return `<h2>${escapeHtml(name)}</h2><p>${writeProse(description)}</p>${ours.map(one => buildOperation(document, one)).join('')}`
  })
  const schemas = Object.entries(components?.schemas ?? {}).map(
    ([name, schema]) =>
      `<h3 id="${escapeHtml(name)}">${escapeHtml(name)}</h3>${buildSchema(schema)}`,
  )
  const intro = (info.description ?? '').split('\n\n').map(text => `<p>${writeProse(text)}</p>`)
  const body = [
    ...intro,
    '<p><a href="openapi.yaml">openapi.yaml</a></p>',
    ...sections,
    schemas.length > 0 ? '<h2>Schemas</h2>' : '',
    ...schemas,
  ]
  return buildDocumentPage(`${info.title} ${info.version}`, body.join(''))
}

interface Listed {
  method: string
  path: string
  /** Of the path, and of the operation. */
  parameters: Parameter[]
  operation: Operation
}

function listOperations({ paths }: ContractDocument): Listed[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter(method => method in item).map(method => {
      const operation = item[method] as Operation
      const shared = (item.parameters ?? []) as Parameter[]
      return { method, path, operation, parameters: [...shared, ...(operation.parameters ?? [])] }
    }),
  )
}

function buildOperation(document: ContractDocument, listed: Listed): string {
  const { method, path, operation, parameters } = listed
  const { summary = '', description = '', requestBody, responses = {} } = operation
  const rows = parameters
    .map(one => resolve(document, one))
    .map(({ name, in: place, required = false, description: about, schema }) =>
      buildRow(`${name} (${place})`, required, { ...schema, description: about }),
    )
  const body = requestBody && resolve(document, requestBody)
  const answers = Object.entries(responses).map(([status, one]) => {
    const answer = resolve(document, one)
    const cells = [`<code>${escapeHtml(status)}</code>`, describeContent(answer)]
    return `<tr>${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>`
  })
  return [
    `<details><summary><code>${method.toUpperCase()} ${escapeHtml(path)}</code> ${writeProse(summary)}</summary>`,
    description && `<p>${writeProse(description)}</p>`,
    rows.length > 0 ? `<h3>Parameters</h3><table>${rows.join('')}</table>` : '',
    body ? `<h3>Body</h3><p>${describeContent(body)}</p>` : '',
    `<h3>Answers</h3><table>${answers.join('')}</table></details>`,
  ].join('')
}

/** What an answer or a body is: in words, its headers, its media types and their schemas; HTML. */
function describeContent({ description = '', headers = {}, content = {} }: Content): string {
  const named = Object.entries(headers).map(
    ([name, header]) => `<code>${escapeHtml(name)}</code> ${writeProse(header.description ?? '')}`,
  )
  const types = Object.entries(content).map(
    ([type, { schema = {} }]) => `<code>${escapeHtml(type)}</code>: ${nameType(schema)}`,
  )
  return [writeProse(description), ...named, ...types].filter(Boolean).join('<br>')
}

/** What a reference within the document names; anything else as it is. */
function resolve<T extends Reference>({ components }: ContractDocument, part: T): T {
  const [, kind = '', name = ''] = /^#\/components\/(\w+)\/(\w+)$/.exec(part.$ref ?? '') ?? []
  return (components?.[kind]?.[name] as T | undefined) ?? part
}

// openapi.yaml as a plain page: operations by tag, their parameters and answers. Pure: no I/O.

import { buildDocumentPage, escapeHtml, type Page } from './page.ts'

/** What the page reads of an OpenAPI document; everything else is left to the file itself. */
export interface ContractDocument {
  info: { title: string; version: string; description?: string }
  tags?: { name: string; description?: string }[]
  paths: Record<string, Record<string, unknown>>
}

interface Operation {
  tags?: string[]
  summary?: string
  responses?: Record<string, unknown>
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete']

/** The page; every text in it comes from the document and is escaped. */
export function buildContractPage({ info, tags = [], paths }: ContractDocument): Page {
  const sections = tags.map(({ name, description = '' }) => {
    const rows = listOperations(paths)
      .filter(({ operation }) => operation.tags?.includes(name))
      .map(
        ({ method, path, operation }) =>
          `<tr><td><code>${method.toUpperCase()}</code></td><td><code>${escapeHtml(path)}</code></td><td>${escapeHtml(operation.summary ?? '')}</td><td>${escapeHtml(Object.keys(operation.responses ?? {}).join(' '))}</td></tr>`,
      )
    return `<h2>${escapeHtml(name)}</h2><p>${escapeHtml(description)}</p><table>${rows.join('')}</table>`
  })
  const intro = (info.description ?? '')
    .split('\n\n')
    .map(paragraph => `<p>${escapeHtml(paragraph)}</p>`)
  const body = `${intro.join('')}<p><a href="openapi.yaml">openapi.yaml</a></p>${sections.join('')}`
  return buildDocumentPage(`${info.title} ${info.version}`, body)
}

function listOperations(paths: ContractDocument['paths']) {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter(method => method in item).map(method => ({
      method,
      path,
      operation: item[method] as Operation,
    })),
  )
}

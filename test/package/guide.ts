// The examples of docs/plugins.md, as a reader would type them: by name, with the reader's own addresses
// in place of those on the page.

import { readFileSync } from 'node:fs'

export interface Places {
  /** Port of the app, which browsers reach at localhost. */
  port: number
  /** Port of the operators' server. */
  adminPort?: number
  /** FHIR base URL of the EHR. */
  iss: string
  clientId: string
}

const guide = readFileSync('docs/plugins.md', 'utf8')

/** Every example that stands for itself (`<!-- test:NAME -->`), as it stands. */
export function readExamples(): ReadonlyMap<string, string> {
  return readFences('test')
}

/** The examples of the single plugins (`<!-- part:NAME -->`), which together are one app, in their order. */
export function readParts(): ReadonlyMap<string, string> {
  return readFences('part')
}

/** The sections of the single plugins, by name. */
export function readSections(): ReadonlyMap<string, string> {
  const [, ...sections] = guide.split(/^### `/m)
  return new Map(sections.map(text => [text.slice(0, text.indexOf('`')), text]))
}

/** An example at home in these places. */
export function settle(text: string, { port, adminPort = 0, iss, clientId }: Places): string {
  return text
    .replaceAll('https://ehr.example.org/fhir/r4', iss)
    .replaceAll('http://localhost:5000', `http://localhost:${port}`)
    .replaceAll('port: 5000', `port: ${port}`)
    .replaceAll('port: 5009', `port: ${adminPort}`)
    .replaceAll('my-app', clientId)
}

function readFences(kind: 'test' | 'part'): Map<string, string> {
  const pattern = new RegExp(`<!-- ${kind}:(\\S+) -->\\n\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``, 'g')
  return new Map([...guide.matchAll(pattern)].map(([, name = '', text = '']) => [name, text]))
}

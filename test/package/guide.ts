// The examples of docs/plugins.md, as a reader would type them: by name, with the reader's own addresses
// in place of those on the page.

import { readFileSync } from 'node:fs'

export interface Places {
  /** Port of the app, which browsers reach at localhost. */
  port: number
  /** FHIR base URL of the EHR. */
  iss: string
  clientId: string
}

/** Every example that has a name (`<!-- test:NAME -->`), as it stands. */
export function readExamples(): Map<string, string> {
  const guide = readFileSync('docs/plugins.md', 'utf8')
  const fences = guide.matchAll(/<!-- test:(\S+) -->\n```\w+\n([\s\S]*?)```/g)
  return new Map([...fences].map(([, name = '', text = '']) => [name, text]))
}

/** An example at home in these places. */
export function settle(text: string, { port, iss, clientId }: Places): string {
  return text
    .replaceAll('https://ehr.example.org/fhir/r4', iss)
    .replaceAll('http://localhost:5000', `http://localhost:${port}`)
    .replaceAll('port: 5000', `port: ${port}`)
    .replaceAll('my-app', clientId)
}

// The page at /docs: what the contract says of an operation and of a schema stands in it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { buildContractPage, type ContractDocument } from '../../src/browser/contract-page.ts'

const contract = parse(readFileSync('openapi.yaml', 'utf8')) as ContractDocument
const { html } = buildContractPage(contract)
const text = (part: string) => part.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')

/** What the page shows of one operation. */
function find(name: string): string {
  const [, part] = html.split(`<summary><code>${name}</code>`)
  assert.ok(part, name)
  return text(part.split('</details>')[0] ?? '')
}

test('each operation is there, with its parameters, body and answers', () => {
  let count = 0
  for (const [path, item] of Object.entries(contract.paths)) {
    for (const method of ['get', 'head', 'post', 'put', 'patch', 'delete']) {
      if (!(method in item)) continue
      count++
      assert.match(find(`${method.toUpperCase()} ${path}`), / Answers /, path)
    }
  }
  assert.ok(count > 30, `${count}`)
  const launch = find('GET /launch')
  assert.match(launch, /iss \(query\) always string, at most 2048 characters FHIR base URL/)
  assert.match(launch, /launch \(query\) optional string, at most 8192 characters Opaque value/)
  const write = find('POST /sessions/{id}/fhir')
  assert.match(write, /id \(path\) always string Id of a session/)
  assert.match(write, /X-CSRF \(header\) optional 1 1 on unsafe methods/)
  assert.match(write, / Body application\/fhir\+json : Resource /)
  assert.match(find('GET /sessions'), /200 .*application\/json : list of Session/)
})

test('each schema is there once, with its members down to the last, and links lead to it', () => {
  const names = Object.keys(contract.components?.schemas ?? {})
  assert.ok(names.length >= 7, `${names.length}`)
  for (const name of names) assert.equal(html.split(`<h3 id="${name}">`).length, 2, name)
  for (const [, name = ''] of html.matchAll(/<a href="#(\w+)">/g)) assert.ok(names.includes(name))
  const [, session = ''] = html.split('<h3 id="Session">')
  const shown = text(session.split('<h3 ')[0] ?? '')
  assert.match(shown, /fhirContext\[\]\.identifier\.system optional string/)
  assert.match(shown, /user\.sub always string/)
  assert.match(shown, /expiresAt always string, date-time/)
  const [, code = ''] = html.split('<h3 id="FaultCode">')
  assert.match(text(code.split('<h3 ')[0] ?? ''), / session_invalid .* upstream_timeout /)
})

test('what the document puts between backticks is shown as code, and no backtick is left', () => {
  assert.ok(!html.includes('`'))
  assert.match(html, /<code>Proxy-Status: fhirstorm; …;\s+details=&#34;code&#34;<\/code>/)
})

test('whatever the document says is text', () => {
  const evil = '"><script>alert(1)</script>'
  const page = buildContractPage({
    info: { title: evil, version: evil, description: evil },
    tags: [{ name: evil, description: evil }],
    paths: {
      [evil]: {
        get: {
          ...{ tags: [evil], summary: evil, description: evil },
          parameters: [{ name: evil, in: evil, description: evil, schema: { pattern: evil } }],
          requestBody: { description: evil, content: { [evil]: { schema: { const: evil } } } },
          responses: { [evil]: { headers: { [evil]: { description: evil } } } },
        },
      },
    },
    components: { schemas: { [evil]: { properties: { [evil]: { $ref: `#/x/${evil}` } } } } },
  })
  assert.doesNotMatch(page.html, /<script/)
})

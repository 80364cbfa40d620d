// A process: the sandbox EHR with faces that an attacker would want. `target` is an honest EHR with the
// limits that servers have, so that the broker is measured and not what stands behind it; it streams
// events, and can pour; `hostile` makes of every document what costs its reader most.
// Arguments: port, URL of the app, "target" or "hostile".

import { setPriority } from 'node:os'
import type { Call, Face } from '../../sandbox/faces/face.ts'
import { type Answer, json } from '../../sandbox/http/answer.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'

const KIB = 1024
/** Made once, so that they cost the EHR less than its reader. */
const documents = new Map<string, Answer | undefined>()

const LARGEST_DOCUMENT_BYTES = 256 * KIB
const tooCostly: Answer = {
  ...json({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'too-costly' }] }),
  status: 413,
}

const target: Face = {
  name: 'target',
  about:
    'Answers, streams events, pours lines, and reads no document that is out of all proportion.',
  fhir(answer, { path, headers }) {
    if (Number(headers['content-length']) > LARGEST_DOCUMENT_BYTES) return tooCostly
    if (path === '/$events') return stream('text/event-stream', dripEvents())
    if (path === '/$export') return stream('application/fhir+ndjson', pourLines())
    return answer()
  },
}

const hostile: Face = {
  name: 'hostile',
  about: 'Documents that cost more than they weigh.',
  fhir: (answer, call) => findDocument(call) ?? answer(),
}

const large: Face = {
  name: 'large',
  about: 'Tokens and scopes as long as they may be.',
  token(body) {
    const long = 'x'.repeat(15.9 * KIB)
    const scope = `${body.scope} ${long.slice(String(body.scope).length + 1)}`
    return json({ ...body, access_token: long, refresh_token: long, scope })
  },
}

const metadata: Face = {
  name: 'metadata',
  about: 'Says how it authorizes in a quarter of a MiB of empty objects.',
  smartConfiguration: document => json({ ...document, more: Array(80_000).fill({}) }),
}

/** Documents by name, as `Basic/xml-65536`: their kind and their size. */
function findDocument(call: Call): Answer | undefined {
  const { path } = call
  if (!documents.has(path)) documents.set(path, buildDocument(call))
  return documents.get(path)
}

function buildDocument({ path, site }: Call): Answer | undefined {
  const [, kind = '', size = ''] = /^\/Basic\/([a-z]+)-(\d+)$/.exec(path) ?? []
  const length = Number(size)
  const fill = (piece: string) => piece.repeat(Math.ceil(length / piece.length))
  switch (kind) {
    case 'xml':
      return xml(
        `<Basic xmlns="http://hl7.org/fhir"><a ${fill(`value='${site.base}X' `)}/></Basic>`,
      )
    case 'tags':
      return xml(`<Basic xmlns="http://hl7.org/fhir">${fill('<a ')}`)
    case 'json':
      return fhir(`{"resourceType":"Basic","x":[${fill(`{"url":"${site.base}/X"},`)}{}]}`)
    case 'depth':
      return fhir(`{"resourceType":"Basic","x":${fill('[')}`)
    default:
      return undefined
  }
}

const xml = (body: string): Answer => answerOf('application/fhir+xml', body)
const fhir = (body: string): Answer => answerOf('application/fhir+json', body)

function answerOf(type: string, body: Answer['body']): Answer {
  return { status: 200, headers: { 'content-type': type }, body }
}

function stream(type: string, body: AsyncIterable<Uint8Array>): Answer {
  return answerOf(type, body)
}

async function* dripEvents(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield Buffer.from('data: 1\n\n')
    await new Promise(done => setTimeout(done, 1_000).unref())
  }
}

async function* pourLines(): AsyncGenerator<Uint8Array> {
  const lines = Buffer.from('{"resourceType":"Basic"}\n'.repeat(2_000))
  for (;;) yield lines
}

const [port, appUrl = '', which] = process.argv.slice(2)
if (which === 'hostile') setPriority(10)
const faces = which === 'hostile' ? [hostile, large, metadata] : [target]
await startSandbox({ port: Number(port), appUrl, ehrIds: faces.map(({ name }) => name), faces })

// Faults and habits of FHIR answers; logins are plain.

import { gzipSync } from 'node:zlib'
import { type Answer, json, text, withHeaders } from '../http/answer.ts'
import { cutOff, late, pageForPeople } from './answers.ts'
import type { Call, Face } from './face.ts'

const SLOW_MS = 30_000
const MEGABYTE = 1024 * 1024

/** A face whose FHIR answers differ, after the work was done. */
function answering(
  name: string,
  about: string,
  change: (answer: Answer, call: Call) => Answer | Promise<Answer>,
): Face {
  return { name, about, fhir: async (answer, call) => await change(await answer(), call) }
}

/** The answer's own links under another spelling of the FHIR base. */
function respelled({ body, ...answer }: Answer, { site }: Call, base: string): Answer {
  return { ...answer, body: String(body).replaceAll(site.base, base) }
}

export const fhirFaces: readonly Face[] = [
  answering('fhir-401', 'The FHIR server knows no token.', () => ({
    status: 401,
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  })),
  answering('fhir-html', 'Pages with scripts for resources.', () =>
    text('<script>alert(document.cookie)</script>', { type: 'text/html; charset=utf-8' }),
  ),
  answering('fhir-redirect', 'Redirects to another server.', () => ({
    status: 302,
    headers: { location: 'https://evil.example/Patient' },
  })),
  answering('fhir-headers', "Headers that are nobody else's business.", answer =>
    withHeaders(answer, {
      'set-cookie': ['ehr=1; Path=/', 'other=2'],
      'strict-transport-security': 'max-age=31536000',
      'access-control-allow-origin': '*',
      'content-security-policy': "default-src 'none'",
      server: 'ehr/1.0',
      'x-powered-by': 'Java',
    }),
  ),
  answering('fhir-gzip', 'Compressed, asked or not.', answer => ({
    ...withHeaders(answer, { 'content-encoding': 'gzip' }),
    body: gzipSync(Buffer.from(answer.body as string)),
  })),
  answering('fhir-truncated', 'Breaks off.', cutOff),
  answering('fhir-slow', 'Half a minute.', answer => late(answer, SLOW_MS)),
  answering('fhir-429', 'Asked too often.', () =>
    withHeaders(json({ resourceType: 'OperationOutcome', issue: [] }, { status: 429 }), {
      'retry-after': '3',
    }),
  ),
  answering('fhir-500', 'Broken.', () => pageForPeople(500)),
  answering('fhir-minute', 'A minute until the first byte.', answer => late(answer, 2 * SLOW_MS)),
  answering('fhir-headers-20k', 'Headers of 20 KB.', answer =>
    withHeaders(answer, { 'x-trace': 'x'.repeat(10_000), 'x-policy': 'y'.repeat(10_000) }),
  ),
  answering('fhir-content-location', 'Content-Location names a store of its own.', answer =>
    withHeaders(answer, { 'content-location': 'https://store.example/objects/1' }),
  ),
  answering('binary-redirect', 'Binaries redirect to a store for objects.', (answer, { path }) =>
    path.startsWith('/Binary/') && answer.status === 200
      ? { status: 302, headers: { location: 'https://store.example/objects/1?signature=abc' } }
      : answer,
  ),
  {
    name: 'prefers-xml',
    about: 'XML unless JSON is asked for by name.',
    fhir: async (answer, call) => {
      const { headers, query } = call
      if (/json/.test(query.get('_format') ?? headers.accept ?? '')) return await answer()
      query.set('_format', 'xml')
      return await answer()
    },
  },
  { name: 'strong-tags', about: 'Strong entity tags, compared byte for byte.', strongTags: true },
  answering('fhir-capitals', 'Its own links spell the scheme in capitals.', (answer, call) =>
    respelled(answer, call, call.site.base.replace(/^http/, 'HTTP')),
  ),
  answering('fhir-alias', 'Its own links carry another name of the server.', (answer, call) =>
    respelled(answer, call, `http://ehr.internal/fhir`),
  ),
  answering('fhir-escaped', 'Its JSON escapes each slash.', answer => ({
    ...answer,
    body: String(answer.body).replaceAll('/', '\\/'),
  })),
  answering('fhir-endless', 'A gigabyte for every resource.', () => ({
    status: 200,
    headers: { 'content-type': 'application/octet-stream' },
    body: (async function* () {
      const bytes = Buffer.alloc(MEGABYTE / 16)
      for (let count = 0; count < 1024 * 16; count++) yield bytes
    })(),
  })),
]

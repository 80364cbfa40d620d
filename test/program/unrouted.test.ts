// Whatever is sent to the whole server, over real sockets, the answer is ours: a fixed refusal with our
// headers, a line in the log and a count, and nothing of what was sent.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { exchangeRaw } from '../network/raw.ts'
import { createWorld, type World } from '../world/world.ts'

const MARKER = 'zq9secret'

for (const prefix of ['', '/bff']) {
  const name = prefix === '' ? 'at the root' : `below ${prefix}`
  let world: World
  let port: number
  let host: string

  before(async () => {
    world = await createWorld({
      configure(document) {
        document.publicUrl += prefix
        document.frontend = {}
      },
    })
    ;({ host } = new URL(world.app))
    port = Number(new URL(world.app).port)
  })
  after(() => world.close())

  const send = async (line: string, headers: string[] = [`Host: ${host}`]) =>
    await exchangeRaw(
      port,
      `${line}\r\n${headers.join('\r\n')}${headers.length ? '\r\n' : ''}Connection: close\r\n\r\n`,
      'localhost',
    )

  /** The one answer in what came back, if it is ours. */
  function requireOurs(received: string, what: string) {
    const [head = '', body = ''] = received.split('\r\n\r\n')
    assert.match(head, /^HTTP\/1\.1 [45]\d\d /, what)
    assert.equal(received.match(/HTTP\/1\.1 /g)?.length, 1, what)
    for (const header of [
      /^proxy-status: fhirstorm; error=\w+; details="\w+"$/im,
      /^cache-control: no-store/im,
      /^content-security-policy: .*frame-ancestors 'none'/im,
      /^x-content-type-options: nosniff$/im,
      /^referrer-policy: no-referrer$/im,
    ]) {
      assert.match(head, header, what)
    }
    assert.doesNotMatch(received, new RegExp(`${MARKER}|FST_|Route |fastify`, 'i'), what)
    const status = Number(head.slice(9, 12))
    const code = /details="(\w+)"/.exec(head)?.[1] ?? ''
    return { status, code, head, body }
  }

  test(`[G11, P4, P5] every request that has no route gets our own refusal, ${name}`, async () => {
    const rows: [line: string, headers: string[] | undefined, status: number, code: string][] = [
      [`GET /${MARKER}?code=${MARKER} HTTP/1.1`, undefined, 404, 'not_found'],
      [`GET ${prefix}/${MARKER}?code=${MARKER} HTTP/1.1`, undefined, 404, 'not_found'],
      [`POST /${MARKER} HTTP/1.1`, undefined, 404, 'not_found'],
      [`PROPFIND /${MARKER} HTTP/1.1`, undefined, 404, 'not_found'],
      [`OPTIONS /${MARKER} HTTP/1.1`, undefined, 404, 'not_found'],
      [`GET /%zz${MARKER} HTTP/1.1`, undefined, 400, 'bad_request'],
      [`GET ${prefix}/login%?x=${MARKER} HTTP/1.1`, undefined, 400, 'bad_request'],
      [`GET /%c3%28${MARKER} HTTP/1.1`, undefined, 400, 'bad_request'],
      [`POST /%zz HTTP/1.1`, undefined, 400, 'bad_request'],
      [`GET ${prefix}/sessions/${'a'.repeat(9000)} HTTP/1.1`, undefined, 414, 'uri_too_long'],
      [`GET /${'a'.repeat(20_000)} HTTP/1.1`, undefined, 431, 'headers_too_large'],
      ['OPTIONS * HTTP/1.1', undefined, 400, 'bad_request'],
      [`GET http://evil.test${prefix}/login HTTP/1.1`, undefined, 400, 'bad_request'],
      [`GET http://evil.test${prefix}/healthz HTTP/1.1`, undefined, 400, 'bad_request'],
      [`GET evil.test/${MARKER} HTTP/1.1`, undefined, 400, 'bad_request'],
      ['CONNECT evil.test:443 HTTP/1.1', undefined, 405, 'method_not_allowed'],
      ['CONNECT evil.test:443 HTTP/1.1', ['Host: evil.test'], 405, 'method_not_allowed'],
      [`GET /${MARKER} HTTP/1.1`, ['Host: evil.test'], 421, 'unknown_host'],
      ['GET /%zz HTTP/1.1', ['Host: evil.test'], 421, 'unknown_host'],
      [`GET /${MARKER} HTTP/1.1`, [], 400, 'bad_request'],
      [`GET /${MARKER} HTTP/1.0`, [], 400, 'bad_request'],
      [`GET /${MARKER} HTTP/1.1`, [`Host: ${MARKER}`, `Host: ${MARKER}`], 400, 'bad_request'],
      [
        `POST ${prefix}/logout HTTP/1.1`,
        [`Host: ${host}`, `Expect: ${MARKER}`],
        417,
        'expectation_failed',
      ],
      [`get / HTTP/1.1`, undefined, 400, 'bad_request'],
      [`${MARKER} / HTTP/1.1`, undefined, 400, 'bad_request'],
      ['PRI * HTTP/2.0', undefined, 400, 'bad_request'],
      [`GET / HTTP/1.1`, [`Host: ${host}`, `x\u0000: ${MARKER}`], 400, 'bad_request'],
    ]
    for (const [line, headers, status, code] of rows) {
      const lines = world.log.length
      const answer = requireOurs(await send(line, headers), line.slice(0, 60))
      assert.deepEqual([answer.status, answer.code], [status, code], line.slice(0, 60))
      const logged = world.log.slice(lines).join('')
      assert.match(logged, new RegExp(`"code":"${code}"`), line.slice(0, 60))
    }
    assert.ok(!world.log.join('').includes(MARKER))
    const text = await world.server.smartMetrics.text()
    assert.match(text, /fhirstorm_refusals_total\{code="not_found",ehr=""\} \d/)
    assert.match(
      text,
      /http_server_request_duration_seconds_count\{[^}]*http_route="unknown"[^}]*http_response_status_code="4\d\d"/,
    )
  })

  test(`[G11] FHIR paths are refused as FHIR does, where the router cannot read them, ${name}`, async () => {
    const { head, body, code } = requireOurs(
      await send(`GET ${prefix}/fhir/Patient/%zz?_format=xml HTTP/1.1`),
      'fhir',
    )
    assert.equal(code, 'bad_request')
    assert.match(head, /content-type: application\/fhir\+xml/i)
    assert.match(body, /<OperationOutcome/)
  })

  test(`[G9, G11] no target and no method brings out an answer that is not ours, ${name}`, async () => {
    const target = fc
      .array(
        fc.oneof(
          fc.constantFrom(
            '/',
            '%',
            '%00',
            '%zz',
            '%2f',
            '..',
            '.',
            '//',
            '?',
            '#',
            ';',
            '*',
            ':',
            '@',
          ),
          fc.constantFrom(
            'bff',
            'login',
            'sessions',
            'fhir',
            'http://',
            'launch',
            '\\',
            '{',
            '\u00ff',
          ),
          fc.string({ maxLength: 6 }).map(text => text.replace(/[\s\u0000-\u0020]/g, '')),
        ),
        { maxLength: 8 },
      )
      .map(parts => `/${MARKER}${parts.join('')}`)
    const method = fc.constantFrom(
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'QUERY',
    )
    await fc.assert(
      fc.asyncProperty(method, target, async (verb, path) => {
        requireOurs(await send(`${verb} ${path} HTTP/1.1`), `${verb} ${JSON.stringify(path)}`)
      }),
      { numRuns: 300 },
    )
  })

  test(`[AD2] health is told at the root and below the path, whatever the Host, ${name}`, async () => {
    for (const path of new Set(['/healthz', '/readyz', `${prefix}/healthz`, `${prefix}/readyz`])) {
      for (const headers of [undefined, ['Host: 10.0.0.7:5000'], []]) {
        const answer = await send(`GET ${path} HTTP/1.1`, headers)
        assert.match(answer, /^HTTP\/1\.1 200 /, path)
        assert.match(answer, /\r\n\r\n\{"status":"ok"\}$/, path)
      }
    }
  })

  test(`an offer to change the protocol is served as if it were not there, ${name}`, async () => {
    const offer = [`Host: ${host}`, 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']
    assert.match(await send(`GET ${prefix}/ehrs HTTP/1.1`, offer), /^HTTP\/1\.1 200 /)
  })
}

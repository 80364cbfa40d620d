// The proxy's answer side: what a hostile FHIR server sends, and what of it reaches the browser.

import { gzipSync } from 'node:zlib'
import { type Manner, pour, raw, redirect, text } from '../ehr/answer.ts'
import { headerOf } from '../outsider.ts'
import type { Row, Scene } from '../row.ts'
import type { Reply } from '../socket.ts'
import { describe, isRefused, type LoggedIn, logIn, pause, readFhir } from './reading.ts'

let last = 0

/** Reads a path of its own at which the EHR answers like this. */
async function readAs(
  scene: Scene,
  login: LoggedIn,
  manner: Manner,
  path?: string,
): Promise<Reply> {
  const own = path ?? `/Basic/hostile-${++last}`
  login.ehr.fhir.set(own, manner)
  try {
    return await readFhir(scene, login, own, { withinMs: 20_000 })
  } finally {
    login.ehr.fhir.delete(own)
  }
}

const withHeaders =
  (headers: Record<string, string | string[]>, status = 200): Manner =>
  (_request, response) => {
    response
      .writeHead(status, { 'content-type': 'application/fhir+json', ...headers })
      .end('{"resourceType":"Basic"}')
  }

const DROPPED: Record<string, string> = {
  'set-cookie': 'fhirstorm-browser=evil; Path=/',
  'access-control-allow-origin': '*',
  'access-control-allow-credentials': 'true',
  'strict-transport-security': 'max-age=0',
  'clear-site-data': '"*"',
  'service-worker-allowed': '/',
  refresh: '0;url=https://evil.example',
  'alt-svc': 'h2="evil.example:443"',
  nel: '{}',
  'report-to': '{}',
  sourcemap: 'https://evil.example/x',
  'server-timing': 'x',
  server: 'Evil/1.0',
  'x-powered-by': 'Evil',
  'content-security-policy-report-only': 'x',
  'proxy-authenticate': 'Basic',
  'x-accel-redirect': '/etc/passwd',
}

export const answerRows: readonly Row[] = [
  {
    id: 'R1',
    what: 'cookies of the EHR',
    async attack(scene) {
      const login = await logIn(scene)
      const name = login.session.ticketName
      const reply = await readAs(
        scene,
        login,
        withHeaders({ 'set-cookie': [`${name}=evil; Path=/`, 'a=b'] }),
      )
      scene.hold(
        reply.status === 200 && !reply.headers.has('set-cookie'),
        headerOf(reply, 'set-cookie'),
      )
    },
  },
  {
    id: 'R2',
    what: 'redirects of the EHR to a stranger',
    async attack(scene) {
      const login = await logIn(scene)
      const { evil } = scene.ehrs
      const before = evil.connections
      for (const status of [301, 302, 303, 307, 308]) {
        for (const place of [
          `${evil.url}/x`,
          '//evil.example/x',
          'javascript:alert(1)',
          `${scene.ehrs.a.url}/token`,
        ]) {
          const reply = await readAs(scene, login, redirect(place, status))
          const location = headerOf(reply, 'location')
          const isOwn =
            location === '' ||
            location.startsWith(scene.target.url) ||
            location.startsWith(`${scene.target.prefix}/sessions/`)
          scene.hold(isOwn, `${status} to ${place}: Location ${location}`)
        }
      }
      scene.hold(evil.connections === before, 'the redirect was followed')
      scene.hold(
        !login.ehr.heard.some(({ kind, method }) => kind === 'token' && method === 'GET'),
        'the redirect was followed',
      )
    },
  },
  {
    id: 'R3',
    what: 'pages, images and scripts of the EHR at our origin',
    async attack(scene) {
      const login = await logIn(scene)
      const types = [
        'text/html',
        'image/svg+xml',
        'application/xhtml+xml',
        'text/xml',
        'application/pdf',
        'text/javascript',
        'TEXT/HTML',
        'text/html; charset=utf-7',
        'application/fhir+json, text/html',
        'multipart/mixed',
        'x',
      ]
      for (const type of types) {
        const page = '<html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>'
        const reply = await readAs(scene, login, text(page, type), `/Binary/page-${++last}`)
        const policy = headerOf(reply, 'content-security-policy')
        const isInert =
          headerOf(reply, 'content-disposition').startsWith('attachment') && /sandbox/.test(policy)
        scene.hold(
          reply.status >= 400 || isInert,
          `${type}: ${policy || 'no policy'}, ${headerOf(reply, 'content-disposition') || 'inline'}`,
        )
        scene.hold(
          headerOf(reply, 'x-content-type-options') === 'nosniff',
          `${type}: may be sniffed`,
        )
      }
    },
  },
  {
    id: 'R4',
    what: 'FHIR that begins like a page',
    async attack(scene) {
      const login = await logIn(scene)
      for (const type of ['application/fhir+json', 'application/json']) {
        const reply = await readAs(scene, login, text('<html><script>alert(1)</script>', type))
        scene.hold(
          headerOf(reply, 'x-content-type-options') === 'nosniff',
          `${type}: may be sniffed`,
        )
        scene.hold(
          !headerOf(reply, 'content-type').includes('html'),
          headerOf(reply, 'content-type'),
        )
      }
    },
  },
  {
    id: 'R5',
    what: 'headers of the EHR that would govern our origin',
    async attack(scene) {
      const login = await logIn(scene)
      const reply = await readAs(
        scene,
        login,
        withHeaders({
          ...DROPPED,
          'content-security-policy': 'default-src *',
          link: '<https://evil.example/x>; rel=preload',
        }),
      )
      for (const [name, value] of Object.entries(DROPPED)) {
        scene.hold(!(reply.headers.get(name) ?? []).includes(value), `${name} crosses`)
      }
      scene.hold(
        !headerOf(reply, 'content-security-policy').includes('*'),
        'the policy is the EHR’s',
      )
      scene.hold(!headerOf(reply, 'link').includes('evil.example'), 'the Link is the EHR’s')
    },
  },
  {
    id: 'R6',
    what: 'a login box of the EHR',
    async attack(scene) {
      const login = await logIn(scene)
      const reply = await readAs(
        scene,
        login,
        withHeaders({ 'www-authenticate': 'Basic realm="evil"' }, 401),
      )
      scene.hold(
        reply.status === 401 && !reply.headers.has('www-authenticate'),
        headerOf(reply, 'www-authenticate') || describe(reply),
      )
    },
  },
  {
    id: 'R7',
    what: 'an EHR that refuses every token',
    async attack(scene) {
      const login = await logIn(scene)
      const from = login.ehr.heard.length
      for (let i = 0; i < 10; i++)
        await readAs(scene, login, withHeaders({}, 401), '/Basic/refused')
      const asked = login.ehr.heard
        .slice(from)
        .filter(({ path }) => path === '/Basic/refused').length
      scene.hold(asked <= 20, `${asked} requests for 10`)
      scene.hold(login.grant.renewals <= 3, `${login.grant.renewals} renewals for 10 requests`)
    },
  },
  {
    id: 'R8',
    what: 'a refused write',
    async attack(scene) {
      const login = await logIn(scene)
      let asked = 0
      login.ehr.fhir.set('/Basic/written', (request, response) => {
        asked++
        request.resume()
        response.writeHead(500, { 'content-type': 'application/fhir+json' }).end('{}')
      })
      const reply = await readFhir(scene, login, '/Basic/written', {
        method: 'PUT',
        body: '{"resourceType":"Basic"}',
        headers: { 'Content-Type': 'application/fhir+json' },
      })
      scene.hold(asked === 1, `sent ${asked} times`)
      scene.hold(
        reply.status === 500 && reply.text === '{}',
        `the EHR's own 500 becomes ${describe(reply)}`,
      )
    },
  },
  {
    id: 'R9',
    what: 'a refusal of the EHR',
    async attack(scene) {
      const login = await logIn(scene)
      const reply = await readAs(scene, login, withHeaders({}, 403))
      scene.hold(reply.status === 403 && reply.text.includes('Basic'), describe(reply))
      scene.hold((await readFhir(scene, login, '/Basic/x')).status === 200, 'the session is over')
    },
  },
  {
    id: 'R10',
    also: ['PS3'],
    what: 'answers that break HTTP',
    async attack(scene) {
      const login = await logIn(scene)
      const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n'
      const answers: Record<string, string> = {
        'length and chunks': `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        'two lengths': `${head}Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}`,
        'a control in a value': `${head}X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}`,
        'no HTTP': 'hello\r\n\r\n',
        '101 unasked':
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
        'status 999': 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n',
        'a status in letters': 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n',
        'interim answers alone': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_000),
        'a head of 1 MiB': `${head}X-A: ${'x'.repeat(1024 * 1024)}\r\n\r\n`,
        nothing: '',
      }
      for (const [name, bytes] of Object.entries(answers)) {
        const reply = await readAs(scene, login, raw(bytes))
        scene.hold(reply.status === 502 || reply.status === 504, `${name}: ${describe(reply)}`)
      }
    },
  },
  {
    id: 'R11',
    what: 'an answer that ends in the middle',
    async attack(scene) {
      const login = await logIn(scene)
      const piece = `{"resourceType":"Bundle","x":"${'x'.repeat(400_000)}`
      const reply = await readAs(
        scene,
        login,
        raw(
          `HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 900000\r\n\r\n${piece}`,
        ),
      )
      const isBroken = reply.status === 502 || !reply.isWhole
      scene.hold(isBroken, `${describe(reply)}, and it looks whole`)
      scene.hold(
        reply.status !== 200 || !reply.text.includes('OperationOutcome'),
        'a refusal stands behind the bytes',
      )
    },
  },
  {
    id: 'R12',
    what: 'an answer that nobody asked for, on a connection that waits',
    async attack(scene) {
      const [one, two] = [await logIn(scene), await logIn(scene)]
      const body = '{"resourceType":"Basic","id":"poisoned"}'
      const head = (text: string) =>
        `HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
      for (let i = 0; i < 5; i++) {
        await readAs(scene, one, raw(head('{}') + head(body), true))
        const next = await readFhir(scene, two, `/Patient/${two.grant.patient}`)
        scene.hold(!next.text.includes('poisoned'), 'the next user is given it')
      }
    },
  },
  {
    id: 'R13',
    what: 'an answer that stands still in the middle',
    isSlow: true,
    async attack(scene) {
      const login = await logIn(scene)
      const own = `/Basic/still-${++last}`
      login.ehr.fhir.set(own, (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/fhir+json' })
        response.write('{"resourceType":"Basic",')
      })
      const reply = await readFhir(scene, login, own, { withinMs: 90_000 })
      scene.hold(
        [502, 504].includes(reply.status) || (reply.status === 200 && !reply.isWhole),
        describe(reply),
      )
      scene.hold(reply.raw !== '', 'nothing came within 90 s')
    },
  },
  {
    id: 'R14',
    what: 'an answer of 64 MiB to somebody who leaves',
    async attack(scene) {
      const login = await logIn(scene)
      login.ehr.fhir.set('/Binary/endless', pour('x', 'application/pdf'))
      const reply = await readFhir(scene, login, '/Binary/endless', { withinMs: 300 })
      scene.hold(reply.status !== 500, describe(reply))
      await pause(300)
      scene.hold(
        (await readFhir(scene, login, '/Basic/x')).status === 200,
        'nobody is served any more',
      )
    },
  },
  {
    id: 'R15',
    what: 'bombs: gzip of 50 MB, a chain of a hundred codings, another coding than said',
    async attack(scene) {
      const login = await logIn(scene)
      const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, 32))
      const coded = (coding: string, body: Uint8Array) =>
        text(body, 'application/fhir+json', 200, { 'content-encoding': coding })
      const manners: [string, Manner][] = [
        ['gzip', coded('gzip', bomb)],
        ['a hundred times', coded(Array(100).fill('gzip').join(', '), bomb)],
        ['no gzip', coded('gzip', Buffer.from('{}'))],
        ['unknown', coded('evil', Buffer.from('{}'))],
      ]
      for (const [name, manner] of manners) {
        const reply = await readAs(scene, login, manner)
        scene.hold(reply.status === 200 || isRefused(reply), `${name}: ${describe(reply)}`)
        scene.hold(
          (await readFhir(scene, login, '/Basic/x')).status === 200,
          `${name}: nobody is served any more`,
        )
      }
    },
  },
  {
    id: 'R16',
    what: 'an EHR that writes our bearer into headers',
    async attack(scene) {
      const login = await logIn(scene)
      const { accessToken: token } = login.grant
      const spellings = [
        token,
        Buffer.from(token).toString('base64'),
        Buffer.from(token).toString('hex'),
        `Bearer ${token}`,
        `x${token}y`,
      ]
      for (const spelling of spellings) {
        const names = [
          'etag',
          'x-request-id',
          'warning',
          'location',
          'last-modified',
          'x-echo',
          'content-location',
          'link',
        ]
        const values = {
          etag: `"${spelling}"`,
          location: `${login.ehr.iss}/Basic/${spelling}`,
          'content-location': `${login.ehr.iss}/Basic/${spelling}`,
          link: `<${login.ehr.iss}/Basic?page=${spelling}>; rel="next"`,
        } as Record<string, string>
        const headers = Object.fromEntries(names.map(name => [name, values[name] ?? spelling]))
        const reply = await readAs(scene, login, withHeaders(headers))
        for (const [name, lines] of reply.headers) {
          scene.hold(!lines.some(line => line.includes(spelling)), `${name} shows the bearer`)
        }
      }
    },
  },
  {
    id: 'R17',
    what: 'internal addresses of the EHR in its answers',
    async attack(scene) {
      const login = await logIn(scene)
      const { iss } = login.ehr
      const bundle = {
        resourceType: 'Bundle',
        type: 'searchset',
        link: [{ relation: 'next', url: `${iss}?page=2` }],
        entry: [{ fullUrl: `${iss}/Basic/x` }],
      }
      const reply = await readAs(
        scene,
        login,
        text(JSON.stringify(bundle), 'application/fhir+json', 200, {
          'content-location': `${iss}/Basic/x/_history/1`,
        }),
      )
      scene.hold(!reply.raw.includes(iss), 'the EHR’s address reaches the browser')
      scene.hold(reply.text.includes(login.session.fhirPath), 'the links do not lead to us')
    },
  },
  {
    id: 'R18',
    what: 'bodies where none may be, and what follows on the connection',
    async attack(scene) {
      const login = await logIn(scene)
      const smuggled = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled'
      for (const status of ['204 No Content', '304 Not Modified']) {
        const reply = await readAs(
          scene,
          login,
          raw(`HTTP/1.1 ${status}\r\nContent-Length: 8\r\n\r\n${smuggled}`, true),
        )
        scene.hold(!reply.text.includes('smuggled'), `${status} has a body`)
        const next = await readFhir(scene, login, '/Basic/x')
        scene.hold(
          !next.text.includes('smuggled') && next.status !== 500,
          `after ${status}: ${describe(next)}`,
        )
      }
    },
  },
  {
    id: 'R19',
    what: 'trailers with cookies',
    async attack(scene) {
      const login = await logIn(scene)
      const reply = await readAs(
        scene,
        login,
        raw(
          'HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n2\r\n{}\r\n0\r\nSet-Cookie: evil=1\r\n\r\n',
        ),
      )
      scene.hold(
        !reply.raw.includes('evil=1') && !/set-cookie: evil/i.test(reply.raw),
        'the trailer crosses',
      )
    },
  },
  {
    id: 'R21',
    what: 'records that may be cached',
    async attack(scene) {
      const login = await logIn(scene)
      const reply = await readAs(
        scene,
        login,
        withHeaders({
          'cache-control': 'public, max-age=31536000',
          pragma: 'cache',
        }),
      )
      scene.hold(
        headerOf(reply, 'cache-control').includes('no-store'),
        headerOf(reply, 'cache-control'),
      )
    },
  },
  {
    id: 'R23',
    what: 'values that end their place in a header',
    async attack(scene) {
      const login = await logIn(scene)
      const { iss } = login.ehr
      const links = [
        `<${iss}?a>;rel="next>\\";rel=preload">`,
        `<${iss}?a=%0d%0aX:y>; rel="next"`,
        `<javascript:alert(1)>; rel="next"`,
        `<${iss}?a>; rel="next", <https://evil.example/x>; rel="preload"; as="script"`,
      ]
      for (const link of links) {
        const reply = await readAs(scene, login, withHeaders({ link }))
        scene.hold(
          !/preload|javascript:|evil\.example/.test(headerOf(reply, 'link')),
          `Link: ${headerOf(reply, 'link')}`,
        )
      }
    },
  },
]

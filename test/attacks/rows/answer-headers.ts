// Headers and trailers of a hostile FHIR server, and which of them reach the browser.

import { raw, redirect } from '../ehr/answer.ts'
import { headerOf } from '../outsider.ts'
import type { Row } from '../row.ts'
import { readAs, withHeaders } from './answering.ts'
import { describe, logIn } from './reading.ts'

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

export const answerHeaderRows: readonly Row[] = [
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

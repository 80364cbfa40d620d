// What anybody sees of the deployment: refusals, health, admin and internal routes, hidden files, and what
// slow or odd connections do to others.

import { type Ask, type Fields, headerOf, ownPage } from '../outsider.ts'
import type { Row, Scene } from '../row.ts'
import { describe, EVIL_ORIGIN, each, isRefused, logIn, pause, readFhir } from './reading.ts'

const TELLTALE = /node_modules|\bat [\w.]+ \(|UND_ERR|ECONNREFUSED|fastify|\/src\/|\.ts:\d|stack/i

/** A refusal that tells nothing: no stack, no version, nothing of the request. */
function holdDiscreet(
  { hold }: Scene,
  name: string,
  reply: Awaited<ReturnType<typeof readFhir>>,
  sent: string,
): void {
  hold(isRefused(reply), `${name}: ${describe(reply)}`)
  const told = TELLTALE.exec(reply.raw)?.[0]
  hold(told === undefined, `${name}: the answer holds ${told}`)
  hold(!reply.raw.includes(sent), `${name}: the answer holds what was asked`)
  hold(
    !reply.headers.has('x-powered-by') && !reply.headers.has('server'),
    `${name}: names its maker`,
  )
}

export const surfaceRows: readonly Row[] = [
  {
    id: 'G9',
    what: 'refusals that show what was asked, or what stands behind',
    async attack(scene) {
      const login = await logIn(scene)
      for (const path of [
        '~/evil-word',
        '~/evil-word/%zz',
        '~/sessions/evil-word',
        '~/login?ehr=evil-word',
        '~/redirect/evil-word',
        '~/login?ehr=attack-a&ehr=evil-word',
        '~/launch?iss=evil-word',
      ]) {
        for (const headers of [ownPage, { Accept: 'text/html' }]) {
          holdDiscreet(scene, path, await scene.outsider.ask({ path, headers }), 'evil-word')
        }
      }
      login.ehr.fhir.set('/Basic/reset', (_request, response) => response.socket?.destroy())
      holdDiscreet(
        scene,
        'a reset',
        await readFhir(scene, login, '/Basic/reset'),
        new URL(login.ehr.url).host,
      )
    },
  },
  {
    id: 'G11',
    what: 'bytes that no route sees',
    async attack(scene) {
      const { host } = new URL(scene.target.origin)
      const requests: Record<string, string> = {
        'no HTTP': 'hello evil-word\r\n\r\n',
        'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        'HTTP/0.9': 'GET /evil-word\r\n\r\n',
        'HTTP/3.0': `GET /evil-word HTTP/3.0\r\nHost: ${host}\r\n\r\n`,
        'OPTIONS *': `OPTIONS * HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
        'an unknown expectation': `GET /evil-word HTTP/1.1\r\nHost: ${host}\r\nExpect: evil-word\r\n\r\n`,
        'a broken escape': `GET /%zz-evil-word HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        'no Host': 'GET /evil-word HTTP/1.1\r\nConnection: close\r\n\r\n',
        'a long target': `GET /${'evil-word'.repeat(2_000)} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      }
      for (const [name, bytes] of Object.entries(requests)) {
        const reply = await scene.outsider.exchange(bytes, 5_000)
        if (reply.raw === '') continue
        holdDiscreet(scene, name, reply, 'evil-word')
        scene.hold(
          headerOf(reply, 'x-content-type-options') === 'nosniff',
          `${name}: without our headers`,
        )
      }
      const ok = await scene.outsider.ask({ path: '~/healthz' })
      scene.hold(ok.status === 200, `afterwards: ${describe(ok)}`)
    },
  },
  {
    id: 'AD1',
    what: 'administration, metrics and internal routes from outside',
    async attack(scene) {
      await each(
        [
          'metrics',
          'reload',
          'health',
          'debug',
          'debug/pprof',
          'admin',
          'verify',
          'status',
          'json/version',
          '.env',
          'actuator',
        ],
        async name => {
          for (const method of ['GET', 'POST']) {
            const reply = await scene.outsider.ask({
              method,
              path: `~/${name}`,
              headers: { ...ownPage, Origin: scene.target.origin, Accept: '*/*' },
            })
            scene.hold(
              [401, 403, 404, 405].includes(reply.status),
              `${method} /${name}: ${describe(reply)}`,
            )
          }
        },
      )
      const all = await scene.outsider.ask({
        method: 'DELETE',
        path: '~/sessions?all=true',
        headers: { 'X-CSRF': '1' },
      })
      scene.hold(
        [403, 404, 405].includes(all.status),
        `DELETE /sessions?all=true: ${describe(all)}`,
      )
    },
  },
  {
    id: 'AD2',
    what: 'health checks that tell more than health',
    async attack(scene) {
      for (const path of ['~/healthz', '~/readyz']) {
        for (const agent of ['x', 'GoogleHC/1.0', 'kube-probe/1.30', 'ELB-HealthChecker/2.0']) {
          const reply = await scene.outsider.ask({ path, headers: { 'User-Agent': agent } })
          scene.hold(
            reply.status === 200 && reply.text.length < 64,
            `${path}: ${reply.status}, ${reply.text.length} characters`,
          )
          scene.hold(
            !/redis|sqlite|\d+\.\d+\.\d+|attack-a|http/.test(reply.text),
            `${path}: ${reply.text.slice(0, 60)}`,
          )
        }
      }
      const login = await scene.outsider.ask({
        path: '~/sessions',
        headers: { 'User-Agent': 'GoogleHC/1.0' },
      })
      scene.hold(!/fhirBaseUrl/.test(login.text), 'a health checker sees sessions')
    },
  },
  {
    id: 'AD3',
    what: 'forwarding headers of a caller that is no proxy',
    async attack(scene) {
      const begun = await scene.outsider.ask({
        path: '~/login?ehr=attack-a',
        headers: {
          Accept: 'text/html',
          'X-Forwarded-Proto': 'http',
          'X-Forwarded-Host': 'evil.example',
          'X-Forwarded-For': '127.0.0.1',
          Forwarded: 'host=evil.example;proto=http',
        },
      })
      const location = headerOf(begun, 'location')
      const redirectUri =
        new URL(location || '/', scene.target.url).searchParams.get('redirect_uri') ?? ''
      scene.hold(redirectUri.startsWith(scene.target.url), `the redirect URI is ${redirectUri}`)
      scene.hold(!begun.raw.includes('evil.example'), 'the answer holds the header')
    },
  },
  {
    id: 'AD5',
    what: 'session documents and event streams with more than they should tell',
    async attack(scene) {
      const login = await logIn(scene)
      const { grant, jar, session } = login
      const list = await scene.outsider.ask({
        path: '~/sessions',
        headers: ownPage,
        cookies: jar.cookies,
      })
      const line = await scene.outsider.ask({
        path: '~/sessions/events',
        headers: ownPage,
        cookies: jar.cookies,
        withinMs: 1_000,
      })
      const one = await scene.outsider.ask({
        path: session.path,
        headers: ownPage,
        cookies: jar.cookies,
      })
      for (const [name, { raw }] of Object.entries({ list, line, one })) {
        const ticket = jar.cookies.get(session.ticketName) ?? ''
        for (const secret of [
          grant.accessToken,
          grant.refreshToken,
          ticket,
          scene.ehrs.client.secret,
          grant.code,
        ]) {
          scene.hold(!raw.includes(secret), `${name} tells ${secret.slice(0, 8)}…`)
        }
        scene.hold(
          !/"(?:access_token|refresh_token|id_token|accessToken|refreshToken|idToken)"/.test(raw),
          `${name} has a member for a token`,
        )
      }
    },
  },
  {
    id: 'DS12',
    what: 'a hundred requests that never become whole',
    isSlow: true,
    async attack(scene) {
      const { host } = new URL(scene.target.origin)
      const halves = [
        `GET /login HTTP/1.1\r\nHost: ${host}\r\n`,
        `POST /backchannel-logout HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na`,
        'GET',
      ]
      const lines = await Promise.all(Array.from({ length: 100 }, () => scene.outsider.open()))
      for (const [i, line] of lines.entries()) line.send(halves[i % halves.length] as string)
      const ok = await scene.outsider.ask({ path: '~/healthz' })
      scene.hold(ok.status === 200, `meanwhile: ${describe(ok)}`)
      const ended = await Promise.all(lines.map(line => line.closed(45_000)))
      const open = ended.filter(isEnded => !isEnded).length
      for (const line of lines) line.end()
      scene.hold(open === 0, `${open} of 100 are still held after 45 s`)
    },
  },
  {
    id: 'EV3',
    what: 'event streams of another site, and more than a browser has tabs',
    async attack(scene) {
      const login = await logIn(scene)
      for (const headers of [
        { Origin: EVIL_ORIGIN },
        { 'Sec-Fetch-Site': 'cross-site' },
        { 'Sec-Fetch-Site': 'same-site' },
      ] as Fields[]) {
        const reply = await scene.outsider.ask({
          path: '~/sessions/events',
          headers,
          cookies: login.jar.cookies,
          withinMs: 2_000,
        })
        scene.hold(reply.status === 403, `${JSON.stringify(headers)}: ${describe(reply)}`)
      }
      const cookies = login.jar.cookies
      const lines = await Promise.all(Array.from({ length: 60 }, () => scene.outsider.open()))
      const bytes = scene.outsider.write({
        path: '~/sessions/events',
        headers: { ...ownPage, Connection: 'keep-alive' },
        cookies,
      })
      for (const line of lines) line.send(bytes)
      const countRefused = () =>
        lines.filter(line => / 429 /.test(line.received().split('\r\n')[0] ?? '')).length
      for (let i = 0; i < 200 && countRefused() === 0; i++) await pause(100)
      const refused = countRefused()
      for (const line of lines) line.end()
      scene.hold(refused > 0, 'sixty streams of one session')
    },
  },
  {
    id: 'BX1',
    what: 'Hosts that are not served',
    async attack(scene) {
      for (const path of ['~/login?ehr=attack-a', '~/sessions', '~/fhir/Basic/x', '~/']) {
        const reply = await scene.outsider.ask({ path, host: 'evil.example' })
        scene.hold(
          reply.status === 421 && !reply.raw.includes('evil.example'),
          `${path}: ${describe(reply)}`,
        )
      }
    },
  },
  {
    id: 'BX3',
    what: 'probes by HEAD and by any Host',
    async attack(scene) {
      for (const ask of [
        { method: 'HEAD' },
        { host: 'probe.local' },
        { method: 'HEAD', host: '10.0.0.1' },
      ]) {
        const reply = await scene.outsider.ask({ path: '~/healthz', ...ask })
        scene.hold(reply.status === 200, `${JSON.stringify(ask)}: ${describe(reply)}`)
      }
    },
  },
  {
    id: 'GU4',
    what: 'HEAD of a launch and of a login',
    async attack(scene) {
      for (const path of [
        '~/login?ehr=attack-a',
        `~/launch?iss=${encodeURIComponent(scene.ehrs.a.iss)}&launch=x`,
      ]) {
        const reply = await scene.outsider.ask({ method: 'HEAD', path })
        scene.hold(
          isRefused(reply) && !reply.headers.has('set-cookie'),
          `${path.slice(0, 12)}: ${describe(reply)}`,
        )
      }
    },
  },
  {
    id: 'X16',
    what: 'hidden files beside the frontend, and above it',
    async attack({ outsider, target, hold }) {
      const names = [
        '.env',
        '%2eenv',
        '.git/config',
        '.git/HEAD',
        'a/.b',
        '..%2f..%2fetc/passwd',
        '../../etc/passwd',
        '%2e%2e/%2e%2e/etc/passwd',
        '.%2e/x',
        'fhirstorm.yaml',
        'keys.json',
        '.htaccess',
        '..\\x',
      ]
      await each(names, async name => {
        for (const path of [`${target.prefix}/${name}`, `/${name}`]) {
          const ask: Ask = { path, headers: { ...ownPage, Accept: '*/*' } }
          const reply = await outsider.ask(ask)
          hold([400, 403, 404, 405].includes(reply.status), `${path}: ${describe(reply)}`)
          hold(!/root:|\[core\]|ref: refs/.test(reply.text), `${path} shows a file`)
        }
      })
    },
  },
]

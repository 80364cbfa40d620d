// The redirect URI: whose answer it is, that it counts once, and that nothing of it is believed or shown.

import type { Login } from '../login.ts'
import { type Fields, headerOf, Jar, navigation, ownPage } from '../outsider.ts'
import type { Row, Scene } from '../row.ts'
import { describe, isNoSession, isRefused, logIn, pause, readFhir } from './reading.ts'

/** Comes back with each of these answers: refused, no session, and the EHR's token endpoint hears nothing. */
async function refuseAnswers(
  scene: Scene,
  answers: readonly Record<string, string | undefined>[],
  login?: Login,
): Promise<void> {
  const begun = login ?? (await scene.begin())
  const { ehr } = begun
  const before = ehr.count('token')
  for (const changes of answers) {
    const reply = await begun.land(changes)
    const name = JSON.stringify(changes).slice(0, 60)
    scene.hold(isRefused(reply), `${name}: ${describe(reply)}`)
    scene.hold(isNoSession(reply), `${name}: a session came of it`)
  }
  scene.hold(ehr.count('token') === before, 'the token endpoint was asked')
}

function encodeJwt(header: object, payload: object, signature = 'x'): string {
  const parts = [header, payload].map(part =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  return [...parts, signature].join('.')
}

function payloadOf(jwt: string): object {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as object
  } catch {
    return {}
  }
}

/** The raw query of the redirect URI, for what URLSearchParams would tidy up. */
async function landRaw(scene: Scene, login: Login, query: string, ask = {}) {
  const [path = ''] = login.answerPath().split('?')
  const cookies = login.jar.cookies
  return await scene.outsider.ask({
    path: `${path}?${query}`,
    headers: navigation,
    cookies,
    ...ask,
  })
}

export const callbackRows: readonly Row[] = [
  {
    id: 'S1',
    what: 'a state that is random, cut, changed, very long or missing',
    async attack(scene) {
      const begun = await scene.begin()
      const { state } = begun
      const last = state.endsWith('A') ? 'B' : 'A'
      const states = [
        'x',
        'A'.repeat(43),
        state.slice(0, -1),
        state.slice(1),
        `${state}A`,
        `${state}.`,
      ]
      states.push(
        `${state.slice(0, -1)}${last}x`,
        'x'.repeat(9_000),
        ` ${state}`,
        state.toUpperCase(),
      )
      await refuseAnswers(
        scene,
        [...states.map(text => ({ state: text })), { state: undefined }, { state: '' }],
        begun,
      )
    },
  },
  {
    id: 'S3',
    what: 'an answer sent again, in another browser too',
    async attack(scene) {
      const login = await logIn(scene)
      const { exchanges } = login.grant
      await scene.outsider.ask({
        path: login.answerPath(),
        headers: navigation,
        cookies: login.jar.cookies,
      })
      const stranger = await scene.outsider.ask({ path: login.answerPath(), headers: navigation })
      scene.hold(isRefused(stranger), `without the cookie: ${describe(stranger)}`)
      scene.hold(login.grant.exchanges === exchanges, 'the code was sent again')
      scene.hold(
        (await readFhir(scene, login, '/Basic/x')).status === 200,
        'the first session was lost',
      )
    },
  },
  {
    id: 'S4',
    what: 'one answer twenty times at once',
    async attack(scene) {
      const login = await scene.begin()
      const cookies = new Map(login.jar.cookies)
      const replies = await Promise.all(
        Array.from({ length: 20 }, () =>
          scene.outsider.ask({ path: login.answerPath(), headers: navigation, cookies }),
        ),
      )
      const sessions = replies.flatMap(
        reply => /session=([\w-]+)/.exec(headerOf(reply, 'location'))?.[1] ?? [],
      )
      scene.hold(login.grant.exchanges === 1, `the code was sent ${login.grant.exchanges} times`)
      scene.hold(new Set(sessions).size === 1, `${new Set(sessions).size} sessions`)
      scene.hold(!replies.some(({ status }) => status === 500), 'a 500')
    },
  },
  {
    id: 'S5',
    also: ['X10'],
    what: "one browser's answer in another browser (login CSRF)",
    async attack(scene) {
      const [mine, victim] = [await scene.begin(), await scene.begin()]
      const before = scene.ehrs.a.count('token')
      const reply = await mine.land({}, { cookies: victim.jar.cookies })
      scene.hold(isRefused(reply), describe(reply))
      scene.hold(isNoSession(reply), 'a session came of it')
      scene.hold(scene.ehrs.a.count('token') === before, 'the code was sent')
    },
  },
  {
    id: 'S6',
    also: ['S8'],
    what: 'a state as a JWT: alg none, other keys inside, other types',
    async attack(scene) {
      const begun = await scene.begin()
      const payload = { aud: scene.target.url, ...payloadOf(begun.state) }
      const { jwk } = scene.ehrs.a.signer
      const headers = [
        ...[
          { alg: 'none' },
          { alg: 'None', typ: 'state+jwt' },
          { alg: 'HS256', jwk },
          { alg: 'RS256', jwk },
        ],
        ...[
          { alg: 'HS256', kid: '../../dev/null' },
          { alg: 'HS256', jku: `${scene.ehrs.evil.url}/keys` },
        ],
        ...[
          { alg: 'HS256', crit: ['x'], x: 1 },
          { alg: 'HS256', b64: false, crit: ['b64'] },
        ],
      ]
      const signatures = ['', 'x']
      await refuseAnswers(
        scene,
        headers.flatMap(header =>
          signatures.map(text => ({ state: encodeJwt(header, payload, text) })),
        ),
        begun,
      )
    },
  },
  {
    id: 'S7',
    what: "the EHR's own tokens as state",
    async attack(scene) {
      const { signer, url } = scene.ehrs.a
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: url,
        aud: scene.target.url,
        exp: now + 600,
        iat: now,
        jti: 'x',
        sub: 'x',
      }
      await refuseAnswers(scene, [
        { state: signer.sign(claims) },
        { state: signer.sign(claims, { typ: 'logout+jwt' }) },
        { state: signer.sign({ ...payloadOf((await scene.begin()).state), ...claims }) },
      ])
    },
  },
  {
    id: 'S9',
    what: 'an answer that stays in the address bar, or goes along as referrer',
    async attack(scene) {
      const login = await scene.begin()
      const reply = await login.land()
      const location = headerOf(reply, 'location')
      scene.hold(reply.status === 303 || reply.status === 302, describe(reply))
      scene.hold(!/code=|state=/.test(location), `leads to ${location}`)
      scene.hold(headerOf(reply, 'referrer-policy') === 'no-referrer', 'a referrer is sent')
      scene.hold(headerOf(reply, 'cache-control').includes('no-store'), 'may be stored')
    },
  },
  {
    id: 'S10',
    what: 'a state that tells of the launch',
    async attack(scene) {
      const { state } = await scene.begin({ query: '&return_to=%2Fthe-secret-place' })
      const texts = [
        state,
        ...state.split('.').map(part => Buffer.from(part, 'base64url').toString('latin1')),
      ]
      for (const word of ['the-secret-place', 'attack-a', scene.ehrs.a.iss]) {
        scene.hold(!texts.some(text => text.includes(word)), `holds ${word}`)
      }
      scene.hold(state.length >= 22, `${state.length} characters`)
    },
  },
  {
    id: 'S13',
    what: 'a browser that keeps no cookies',
    async attack(scene) {
      const login = await scene.begin()
      const reply = await login.land({}, { cookies: new Map() })
      scene.hold(reply.status === 400, describe(reply))
      scene.hold(login.grant.exchanges === 0, 'the code was sent')
    },
  },
  {
    id: 'C1',
    what: 'a stolen code in a login of one’s own',
    async attack(scene) {
      const [victim, thief] = [await scene.begin(), await scene.begin()]
      const challenge = victim.asked.get('code_challenge')
      scene.hold(
        victim.asked.get('code_challenge_method') === 'S256' && !!challenge,
        'no S256 challenge',
      )
      scene.hold(challenge !== thief.asked.get('code_challenge'), 'two logins have one challenge')
      const reply = await thief.land({ code: victim.grant.code })
      scene.hold(isRefused(reply) && isNoSession(reply), describe(reply))
    },
  },
  {
    id: 'C2',
    what: 'the code of one EHR at the redirect URI of another, and with its state',
    async attack(scene) {
      const { a, b } = scene.ehrs
      const [honest, evil] = [await scene.begin({ ehr: a }), await scene.begin({ ehr: b })]
      const before = b.count('token')
      const crossed = honest.answerPath().replace('attack-a', 'attack-b')
      const replies = [
        await evil.land({ code: honest.grant.code, iss: a.url }),
        await scene.outsider.ask({
          path: crossed,
          headers: navigation,
          cookies: honest.jar.cookies,
        }),
      ]
      for (const reply of replies) scene.hold(isRefused(reply), describe(reply))
      const codes = b.heard
        .slice()
        .filter(({ kind, body }) => kind === 'token' && body.includes(honest.grant.code))
      scene.hold(codes.length === 0, 'the code of one EHR was brought to the other')
      scene.hold(b.count('token') === before, 'the other EHR was asked for tokens')
    },
  },
  {
    id: 'C3',
    what: 'an answer that names another issuer, a look-alike, or none',
    async attack(scene) {
      const { url } = scene.ehrs.a
      const names = [
        `${url}/`,
        'https://evil.example',
        scene.ehrs.b.url,
        url.toUpperCase(),
        '',
        undefined,
      ]
      for (const iss of names) await refuseAnswers(scene, [{ iss }])
    },
  },
  {
    id: 'C4',
    what: 'errors of an EHR with markup, line breaks and terminal codes',
    async attack(scene) {
      for (const error of [
        '<script>alert(1)</script>',
        'access_denied\r\nX-Evil: 1',
        '\x1b[31mred',
      ]) {
        const login = await scene.begin()
        const reply = await login.land({
          ...{ code: undefined, error, error_description: '<img src=x>"evil-text"' },
          error_uri: 'javascript:alert(1)',
        })
        const seen = reply.raw
        scene.hold(reply.status !== 500 && reply.status !== 0, describe(reply))
        for (const text of [
          '<script>alert',
          'evil-text',
          'javascript:alert',
          'X-Evil',
          '\x1b[31m',
        ]) {
          scene.hold(!seen.includes(text), `the answer holds ${text}`)
        }
      }
    },
  },
  {
    id: 'C5',
    what: 'a denial, and afterwards a code for the same login',
    async attack(scene) {
      const login = await scene.begin()
      const denied = await login.land({ code: undefined, error: 'access_denied' })
      scene.hold(
        denied.status === 303 && /error=/.test(headerOf(denied, 'location')),
        describe(denied),
      )
      const before = scene.ehrs.a.count('token')
      const reply = await login.land()
      scene.hold(isNoSession(reply), 'a session came of it')
      scene.hold(scene.ehrs.a.count('token') === before, 'the code was sent')
    },
  },
  {
    id: 'C6',
    what: 'an error with a foreign state',
    async attack(scene) {
      const login = await scene.begin()
      const reply = await login.land({ code: undefined, error: 'access_denied', state: 'x' })
      scene.hold(reply.status === 400, describe(reply))
      await login.land()
      scene.hold(login.session !== undefined, 'the login in progress was lost')
    },
  },
  {
    id: 'C7',
    what: 'code, state or issuer twice',
    async attack(scene) {
      const login = await scene.begin()
      const [, query = ''] = login.answerPath().split('?')
      const issuer = encodeURIComponent(scene.ehrs.a.url)
      for (const more of [
        'code=y',
        `state=${login.state}`,
        `iss=${issuer}`,
        'state=x',
        'co%64e=y',
      ]) {
        const reply = await landRaw(scene, login, `${query}&${more}`)
        scene.hold(
          isRefused(reply) && isNoSession(reply),
          `&${more.slice(0, 20)}: ${describe(reply)}`,
        )
      }
      scene.hold(login.grant.exchanges === 0, 'the code was sent')
    },
  },
  {
    id: 'C8',
    what: 'code and error, an empty code, a very long one, control characters',
    async attack(scene) {
      await refuseAnswers(scene, [
        ...[
          { error: 'access_denied' },
          { code: '' },
          { code: undefined },
          { code: 'x'.repeat(9_000) },
        ],
        ...[{ code: 'a\0b' }, { code: 'a\r\nb' }, { code: 'é' }],
      ])
      const login = await scene.begin()
      const state = encodeURIComponent(login.state)
      for (const code of ['%ff', '%', '%00', '%zz']) {
        const reply = await landRaw(
          scene,
          login,
          `code=${code}&state=${state}&iss=${scene.ehrs.a.url}`,
        )
        scene.hold(isRefused(reply), `code=${code}: ${describe(reply)}`)
      }
    },
  },
  {
    id: 'C9',
    what: 'other methods at the redirect URI',
    async attack(scene) {
      const login = await scene.begin()
      for (const method of ['POST', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']) {
        const reply = await login.land({}, { method })
        scene.hold(isRefused(reply), `${method}: ${describe(reply)}`)
      }
      scene.hold(login.grant.exchanges === 0, 'the code was sent')
      await login.land()
      scene.hold(login.session !== undefined, 'the login in progress was lost')
    },
  },
  {
    id: 'C10',
    what: 'tokens in the query of the redirect URI',
    async attack(scene) {
      await refuseAnswers(scene, [
        { code: undefined, access_token: 'x', token_type: 'bearer' },
        { access_token: 'x' },
        { code: undefined, id_token: 'a.b.c' },
      ])
    },
  },
  {
    id: 'C11',
    what: 'an answer that is fetched ahead of time',
    async attack(scene) {
      const login = await scene.begin()
      for (const headers of [
        { 'Sec-Purpose': 'prefetch' },
        { Purpose: 'prefetch' },
        { 'Sec-Purpose': 'prefetch;prerender' },
      ] as Fields[]) {
        const reply = await login.land({}, { headers: { ...navigation, ...headers } })
        scene.hold(isRefused(reply), `${JSON.stringify(headers)}: ${describe(reply)}`)
      }
      scene.hold(login.grant.exchanges === 0, 'the code was sent')
      await login.land()
      scene.hold(login.session !== undefined, 'the user cannot log in any more')
    },
  },
  {
    id: 'C13',
    what: 'a login in a browser in which somebody planted cookies (session fixation)',
    async attack(scene) {
      const planted = await logIn(scene)
      const jar = new Jar()
      for (const [name, value] of planted.jar.cookies) jar.cookies.set(name, value)
      const login = await logIn(scene, { jar })
      scene.hold(login.session.id !== planted.session.id, 'the planted session became the user’s')
      const { ticketName } = login.session
      scene.hold(
        jar.cookies.get(ticketName) !== planted.jar.cookies.get(ticketName),
        'the planted ticket opens it',
      )
      const stolen = await scene.outsider.ask({
        ...{ path: login.session.path, headers: ownPage, cookies: planted.jar.cookies },
      })
      scene.hold(stolen.status === 401, `with the planted cookies: ${describe(stolen)}`)
    },
  },
  {
    id: 'C15',
    what: 'an answer at another Host',
    async attack(scene) {
      const login = await scene.begin()
      for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.2']) {
        const reply = await login.land({}, { host })
        scene.hold(reply.status === 421, `Host: ${host}: ${describe(reply)}`)
      }
      scene.hold(login.grant.exchanges === 0, 'the code was sent')
    },
  },
  {
    id: 'C16',
    also: ['C12'],
    what: 'the redirect URI again, after its answer was lost',
    async attack(scene) {
      const login = await scene.begin()
      const ask = {
        path: login.answerPath(),
        headers: navigation,
        cookies: new Map(login.jar.cookies),
      }
      const first = await scene.outsider.ask(ask)
      await pause(50)
      const again = await scene.outsider.ask(ask)
      scene.hold(first.status === 303, describe(first))
      scene.hold(login.grant.exchanges === 1, `the code was sent ${login.grant.exchanges} times`)
      scene.hold(
        again.status === 400 || headerOf(again, 'location') === headerOf(first, 'location'),
        describe(again),
      )
    },
  },
  {
    id: 'C17',
    what: 'an error without a state',
    async attack(scene) {
      const login = await scene.begin()
      const reply = await login.land({ code: undefined, state: undefined, error: 'evil-error' })
      scene.hold(reply.status === 400 && !reply.raw.includes('evil-error'), describe(reply))
    },
  },
]

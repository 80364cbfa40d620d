// The redirect URI: whose answer it is, that it counts once, and what its state is worth.

import { headerOf, navigation } from '../outsider.ts'
import type { Row } from '../row.ts'
import { refuseAnswers } from './landing.ts'
import { describe, isNoSession, isRefused, logIn, readFhir } from './reading.ts'

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

export const callbackStateRows: readonly Row[] = [
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
]

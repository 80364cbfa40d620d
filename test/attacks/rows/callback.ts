// The redirect URI: codes, issuers and errors that come to it, of which nothing is believed or shown.

import { type Fields, headerOf, Jar, navigation, ownPage } from '../outsider.ts'
import type { Row } from '../row.ts'
import { landRaw, refuseAnswers } from './landing.ts'
import { describe, isNoSession, isRefused, logIn, pause } from './reading.ts'

export const callbackRows: readonly Row[] = [
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

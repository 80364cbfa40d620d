// Endings: logout here, from the EHR, and what others can end.

import { randomUUID } from 'node:crypto'
import { drip, redirect, text } from '../ehr/answer.ts'
import type { Claims, Signer } from '../ehr/signer.ts'
import { createSigner } from '../ehr/signer.ts'
import { headerOf, ownPage } from '../outsider.ts'
import type { Row, Scene } from '../row.ts'
import { describe, type LoggedIn, logIn, pause, readFhir } from './reading.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** A logout token that holds for a session, with changes; undefined takes a claim out. */
function logoutToken(
  { grant, ehr }: LoggedIn,
  changes: Claims = {},
  { header = {}, signer = ehr.signer }: { header?: Claims; signer?: Signer } = {},
): string {
  const claims = {
    ...{ iss: ehr.url, aud: ehr.clientId, iat: Math.floor(Date.now() / 1000), jti: randomUUID() },
    ...{ sid: grant.sid, events: { [EVENT]: {} }, exp: Math.floor(Date.now() / 1000) + 120 },
    ...changes,
  }
  return signer.sign(claims, { typ: 'logout+jwt', ...header })
}

async function sendLogout({ outsider }: Scene, token: string) {
  return await outsider.ask({
    ...{
      method: 'POST',
      path: '~/backchannel-logout',
      body: new URLSearchParams({ logout_token: token }).toString(),
    },
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  })
}

async function logOut({ outsider, target }: Scene, { session, jar }: LoggedIn, method = 'DELETE') {
  return await outsider.ask({
    ...{
      method,
      path: method === 'POST' ? '~/logout' : session.path,
      cookies: new Map(jar.cookies),
    },
    headers: { ...ownPage, Origin: target.origin },
  })
}

const stranger = createSigner()

export const endingRows: readonly Row[] = [
  {
    id: 'O1',
    what: 'a logout: cookies, record and tokens go',
    async attack(scene) {
      for (const method of ['DELETE', 'POST']) {
        const login = await logIn(scene)
        const reply = await logOut(scene, login, method)
        scene.hold(reply.status === 200 || reply.status === 204, describe(reply))
        const cleared = (reply.headers.get('set-cookie') ?? []).some(
          line => line.startsWith(login.session.ticketName) && /max-age=0|1970/i.test(line),
        )
        scene.hold(cleared, `${method}: the ticket stays`)
        const after = await readFhir(scene, login, '/Basic/x')
        scene.hold(after.status === 401, `${method}: afterwards ${describe(after)}`)
        for (let i = 0; i < 40 && !isRevoked(login); i++) await pause(50)
        scene.hold(isRevoked(login), `${method}: the tokens are not given back`)
      }
    },
  },
  {
    id: 'O2',
    what: 'a logout while the EHR takes no tokens back',
    async attack(scene) {
      const { b } = scene.ehrs
      const before = scene.ehrs.evil.connections
      for (const answer of [
        text('no', 'text/plain', 500),
        redirect(`${scene.ehrs.evil.url}/revoke`),
        drip('text/plain'),
      ]) {
        b.revoke = answer
        const login = await logIn(scene, { ehr: b })
        const reply = await logOut(scene, login)
        scene.hold(reply.status === 200, describe(reply))
        scene.hold((await readFhir(scene, login, '/Basic/x')).status === 401, 'the session lives')
      }
      delete b.revoke
      scene.hold(scene.ehrs.evil.connections === before, 'a stranger was given the tokens')
    },
  },
  {
    id: 'O3',
    what: 'ways from the logout that somebody else chose',
    async attack(scene) {
      for (const name of ['post_logout_redirect_uri', 'return_to', 'to', 'redirect', 'next']) {
        const login = await logIn(scene)
        const path = `~/logout?${name}=${encodeURIComponent('https://evil.example/')}`
        const reply = await scene.outsider.ask({
          method: 'POST',
          path,
          cookies: login.jar.cookies,
          headers: { ...ownPage, Origin: scene.target.origin },
        })
        scene.hold(!reply.raw.includes('evil.example'), `${name}: ${describe(reply)}`)
      }
      for (const to of ['https://evil.example/', '//evil.example', 'x', '', 'A'.repeat(5_000)]) {
        const reply = await scene.outsider.ask({
          path: `~/logout/ehr?to=${encodeURIComponent(to)}`,
          headers: { 'Sec-Fetch-Dest': 'document' },
        })
        scene.hold(
          reply.status >= 400 && reply.status !== 500 && !headerOf(reply, 'location'),
          `to=${to.slice(0, 20)}: ${describe(reply)} ${headerOf(reply, 'location')}`,
        )
      }
    },
  },
  {
    id: 'O4',
    what: 'logout tokens that are forged, old, of others, no logout tokens, sent again',
    async attack(scene) {
      const login = await logIn(scene)
      const now = Math.floor(Date.now() / 1000)
      const tokens: Record<string, string> = {
        unsigned: logoutToken(login, {}, { header: { alg: 'none' } }),
        'by the public key': logoutToken(login, {}, { header: { alg: 'HS256' } }),
        'by another key': logoutToken(
          login,
          {},
          { header: { kid: login.ehr.signer.kid }, signer: stranger },
        ),
        'another issuer': logoutToken(login, { iss: 'https://evil.example' }),
        'another audience': logoutToken(login, { aud: 'other' }),
        'no events': logoutToken(login, { events: undefined }),
        'other events': logoutToken(login, { events: { x: {} } }),
        'a nonce': logoutToken(login, { nonce: 'x' }),
        old: logoutToken(login, { iat: now - 3_600, exp: now + 600 }),
        'of tomorrow': logoutToken(login, { iat: now + 86_400 }),
        'no jti': logoutToken(login, { jti: undefined }),
        'nobody named': logoutToken(login, { sid: undefined }),
        'another type': logoutToken(login, {}, { header: { typ: 'at+jwt' } }),
        'an id_token': login.ehr.signer.sign({
          iss: login.ehr.url,
          aud: login.ehr.clientId,
          sub: login.grant.sub,
          sid: login.grant.sid,
          iat: now,
          exp: now + 300,
          nonce: login.grant.nonce,
        }),
        'no token': 'x',
        empty: '',
      }
      for (const [name, token] of Object.entries(tokens)) {
        const reply = await sendLogout(scene, token)
        scene.hold(reply.status === 400, `${name}: ${describe(reply)}`)
      }
      const alive = await readFhir(scene, login, '/Basic/x')
      scene.hold(alive.status === 200, `a forged one ended the session: ${describe(alive)}`)
      const token = logoutToken(login)
      const first = await sendLogout(scene, token)
      scene.hold([200, 204].includes(first.status), `the true one: ${describe(first)}`)
      const again = await sendLogout(scene, token)
      scene.hold(again.status === 400, `sent again: ${describe(again)}`)
    },
  },
  {
    id: 'O5',
    what: 'a logout by the EHR: this session and no other',
    async attack(scene) {
      const [one, two] = [await logIn(scene), await logIn(scene)]
      const other = await logIn(scene, {
        ehr: scene.ehrs.b,
        grant: { sid: one.grant.sid, sub: one.grant.sub },
      })
      const reply = await sendLogout(scene, logoutToken(one))
      scene.hold([200, 204].includes(reply.status), describe(reply))
      scene.hold((await readFhir(scene, one, '/Basic/x')).status === 401, 'the session lives')
      scene.hold(
        (await readFhir(scene, two, '/Basic/x')).status === 200,
        'another session has ended',
      )
      scene.hold(
        (await readFhir(scene, other, '/Basic/x')).status === 200,
        'a session of another EHR has ended',
      )
      const unknown = await sendLogout(scene, logoutToken(one, { sid: 'unknown' }))
      scene.hold(
        [200, 204, 400].includes(unknown.status),
        `an unknown session: ${describe(unknown)}`,
      )
    },
  },
  {
    id: 'O6',
    what: 'logout tokens of 10 MB, of many parameters, twice in one form',
    async attack(scene) {
      const login = await logIn(scene)
      const large = await sendLogout(scene, 'x'.repeat(1_000_000))
      scene.hold([400, 413].includes(large.status), `1 MB: ${describe(large)}`)
      const token = logoutToken(login)
      for (const body of [
        `logout_token=${token}&logout_token=${token}`,
        'a&'.repeat(8_000),
        '&'.repeat(16_000),
      ]) {
        const reply = await scene.outsider.ask({
          method: 'POST',
          path: '~/backchannel-logout',
          body,
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        })
        scene.hold([400, 413].includes(reply.status), `${body.slice(0, 10)}: ${describe(reply)}`)
      }
      for (const type of ['application/json', 'text/plain', 'multipart/form-data']) {
        const reply = await scene.outsider.ask({
          method: 'POST',
          path: '~/backchannel-logout',
          body: '{}',
          headers: { 'Content-Type': type },
        })
        scene.hold([400, 415].includes(reply.status), `${type}: ${describe(reply)}`)
      }
      scene.hold((await readFhir(scene, login, '/Basic/x')).status === 200, 'the session is over')
    },
  },
  {
    id: 'O7',
    what: "another's session ended with one's own ticket",
    async attack(scene) {
      const [mine, theirs] = [await logIn(scene), await logIn(scene)]
      const reply = await logOut(scene, { ...theirs, jar: mine.jar })
      scene.hold([401, 403, 404].includes(reply.status), describe(reply))
      scene.hold(
        (await readFhir(scene, theirs, '/Basic/x')).status === 200,
        'the other session has ended',
      )
    },
  },
  {
    id: 'O8',
    what: 'going back after a logout',
    async attack(scene) {
      const login = await logIn(scene)
      const read = await readFhir(scene, login, `/Patient/${login.grant.patient}`)
      scene.hold(headerOf(read, 'cache-control').includes('no-store'), 'the record may be stored')
      const reply = await logOut(scene, login)
      scene.hold(headerOf(reply, 'clear-site-data').includes('cache'), 'the cache stays')
    },
  },
]

function isRevoked({ ehr, grant }: LoggedIn): boolean {
  return ehr.heard.some(
    ({ kind, body }) => kind === 'revocation' && body.includes(grant.refreshToken),
  )
}

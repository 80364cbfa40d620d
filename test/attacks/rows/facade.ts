// The façade for existing apps: documents, codes, and a bearer that opens nothing by itself.

import { createHash, randomBytes } from 'node:crypto'
import { type Fields, headerOf, navigation, ownPage } from '../outsider.ts'
import type { Row, Scene } from '../row.ts'
import { describe, EVIL_ORIGIN, isRefused, logIn } from './reading.ts'

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }

async function redeem(scene: Scene, members: Record<string, string>, headers: Fields = {}) {
  return await scene.outsider.ask({
    ...{
      method: 'POST',
      path: '~/smart/attack-a/token',
      body: new URLSearchParams(members).toString(),
    },
    headers: { ...ownPage, Origin: scene.target.origin, ...FORM, ...headers },
  })
}

export const facadeRows: readonly Row[] = [
  {
    id: 'FA1',
    what: 'documents that name an endpoint of the EHR, or its keys',
    needs: 'facade',
    async attack(scene) {
      for (const path of [
        '~/smart/attack-a/.well-known/smart-configuration',
        '~/smart/attack-a/metadata',
        '~/smart/attack-a/.well-known/jwks.json',
      ]) {
        const reply = await scene.outsider.ask({ path })
        scene.hold(reply.status === 200, `${path}: ${describe(reply)}`)
        scene.hold(!reply.text.includes(scene.ehrs.a.url), `${path} names the EHR`)
        scene.hold(!/"(?:d|p|q|k)":/.test(reply.text), `${path} holds a private key`)
      }
    },
  },
  {
    id: 'FA2',
    what: 'authorization requests of other apps, to other addresses, without S256; codes that are none',
    needs: 'facade',
    async attack(scene) {
      const challenge = createHash('sha256').update(randomBytes(32)).digest('base64url')
      const base = `${scene.target.url}/smart/attack-a`
      const asked = {
        response_type: 'code',
        client_id: 'evil-app',
        redirect_uri: 'https://evil.example/',
        aud: base,
        state: 'x',
        scope: 'launch',
        code_challenge: challenge,
        code_challenge_method: 'S256',
      }
      const changes: Record<string, string>[] = [
        {},
        { redirect_uri: `${scene.target.origin}@evil.example/` },
        { redirect_uri: '//evil.example/' },
        { redirect_uri: 'javascript:alert(1)' },
        { code_challenge_method: 'plain' },
        { aud: 'https://evil.example/fhir' },
      ]
      for (const change of changes) {
        const query = new URLSearchParams({ ...asked, ...change }).toString()
        const reply = await scene.outsider.ask({
          path: `~/smart/attack-a/authorize?${query}`,
          headers: navigation,
        })
        scene.hold(isRefused(reply), `${JSON.stringify(change)}: ${describe(reply)}`)
        scene.hold(!headerOf(reply, 'location').includes('evil.example'), 'leads to a stranger')
      }
      const login = await logIn(scene)
      for (const code of ['x', '', 'A'.repeat(43), login.grant.code, login.session.id]) {
        const reply = await redeem(scene, {
          grant_type: 'authorization_code',
          code,
          redirect_uri: `${scene.target.origin}/`,
          client_id: 'x',
          code_verifier: 'x'.repeat(43),
        })
        scene.hold(reply.status === 400, `code ${code.slice(0, 6)}: ${describe(reply)}`)
      }
      for (const grant of ['refresh_token', 'password', 'client_credentials', '']) {
        const reply = await redeem(scene, { grant_type: grant, refresh_token: 'x', code: 'x' })
        scene.hold(reply.status === 400, `${grant}: ${describe(reply)}`)
      }
    },
  },
  {
    id: 'FA3',
    what: "a session's name without its ticket, of another, from another site",
    needs: 'facade',
    async attack(scene) {
      const [mine, theirs] = [await logIn(scene), await logIn(scene)]
      const before = scene.ehrs.a.count('fhir')
      const bearer = { Authorization: `Bearer ${theirs.session.id}` }
      const path = `~/smart/attack-a/Patient/${theirs.grant.patient}`
      const asks = [
        { path, headers: { ...ownPage, ...bearer } },
        { path, headers: { ...ownPage, ...bearer }, cookies: mine.jar.cookies },
        { path, headers: { ...bearer, Origin: EVIL_ORIGIN }, cookies: theirs.jar.cookies },
        { path, headers: { ...ownPage, Authorization: 'Bearer x' }, cookies: theirs.jar.cookies },
        {
          path: path.replace('attack-a', 'attack-b'),
          headers: { ...ownPage, ...bearer },
          cookies: theirs.jar.cookies,
        },
      ]
      for (const ask of asks) {
        const reply = await scene.outsider.ask(ask)
        scene.hold([401, 403].includes(reply.status), describe(reply))
      }
      scene.hold(scene.ehrs.a.count('fhir') === before, 'the EHR was asked')
      const own = await scene.outsider.ask({
        path,
        headers: { ...ownPage, ...bearer },
        cookies: theirs.jar.cookies,
      })
      scene.hold(own.status === 200, `its own: ${describe(own)}`)
    },
  },
  {
    id: 'FA4',
    what: 'forty strangers who ask for the documents',
    needs: 'facade',
    async attack(scene) {
      const before = scene.ehrs.a.count('fhir', '/metadata')
      const replies = await Promise.all(
        Array.from({ length: 40 }, () => scene.outsider.ask({ path: '~/smart/attack-a/metadata' })),
      )
      for (const reply of replies) scene.hold([200, 429].includes(reply.status), describe(reply))
      const asked = scene.ehrs.a.count('fhir', '/metadata') - before
      scene.hold(asked <= 1, `the EHR was asked ${asked} times`)
    },
  },
]

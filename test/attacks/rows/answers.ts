// What a hostile FHIR server answers: pages, refusals, addresses of its own, and what of it reaches the browser.

import { text } from '../ehr/answer.ts'
import { headerOf } from '../outsider.ts'
import type { Row } from '../row.ts'
import { makePath, readAs, withHeaders } from './answering.ts'
import { describe, logIn, readFhir } from './reading.ts'

export const answerRows: readonly Row[] = [
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
        const reply = await readAs(scene, login, text(page, type), makePath('Binary'))
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
]

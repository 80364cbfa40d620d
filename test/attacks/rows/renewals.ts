// Renewals: at most one at a time, and what a hostile EHR answers to one.

import { text } from '../ehr/answer.ts'
import { headerOf } from '../outsider.ts'
import type { Row } from '../row.ts'
import { describe, expire, logIn, readFhir } from './reading.ts'

export const renewalRows: readonly Row[] = [
  {
    id: 'F1',
    also: ['F2'],
    what: 'thirty reads with a token that is over',
    async attack(scene) {
      const login = await logIn(scene)
      const { refreshToken } = login.grant
      expire(login)
      const replies = await Promise.all(
        Array.from({ length: 30 }, () => readFhir(scene, login, `/Patient/${login.grant.patient}`)),
      )
      scene.hold(login.grant.renewals === 1, `${login.grant.renewals} renewals`)
      for (const reply of replies) scene.hold(reply.status === 200, describe(reply))
      const sent = login.ehr.heard.filter(
        ({ kind, body }) => kind === 'token' && body.includes(refreshToken),
      )
      scene.hold(sent.length <= 1, `a refresh token was sent ${sent.length} times`)
    },
  },
  {
    id: 'F3',
    what: 'a grant that the EHR has ended',
    async attack(scene) {
      const login = await logIn(scene, {
        grant: { renewal: () => text('{"error":"invalid_grant"}', 'application/json', 400) },
      })
      expire(login)
      const replies = [
        await readFhir(scene, login, '/Basic/x'),
        await readFhir(scene, login, '/Basic/x'),
      ]
      for (const reply of replies) scene.hold(reply.status === 401, describe(reply))
      scene.hold(login.grant.renewals === 1, `${login.grant.renewals} renewals`)
    },
  },
  {
    id: 'F4',
    what: 'a token endpoint that fails while a token is over',
    async attack(scene) {
      let fails = true
      const login = await logIn(scene, {
        grant: { renewal: usual => (fails ? text('no', 'text/plain', 503) : usual) },
      })
      expire(login)
      const reply = await readFhir(scene, login, '/Basic/x')
      scene.hold(
        [502, 503, 504].includes(reply.status) ||
          (reply.status === 401 && !/session_/.test(headerOf(reply, 'proxy-status'))),
        describe(reply),
      )
      fails = false
      const document = await scene.outsider.ask({
        path: login.session.path,
        headers: { 'Sec-Fetch-Site': 'same-origin' },
        cookies: login.jar.cookies,
      })
      scene.hold(document.status === 200, `the session: ${describe(document)}`)
    },
  },
  {
    id: 'F9',
    what: 'a renewal with another patient',
    async attack(scene) {
      const login = await logIn(scene, {
        grant: { renewal: usual => ({ ...usual, patient: 'patient-other' }) },
      })
      expire(login)
      const reply = await readFhir(scene, login, '/Basic/x')
      scene.hold(reply.status !== 200 && reply.status !== 500, describe(reply))
      const after = await readFhir(scene, login, '/Basic/x')
      scene.hold(after.status === 401, `afterwards: ${describe(after)}`)
    },
  },
]

// Faults and habits of renewals alone: the login goes well, and the refresh does not.

import { decodeJwt } from 'jose'
import { type Answer, json } from '../http/answer.ts'
import { late, oauthError, pageForPeople } from './answers.ts'
import type { Document, Face, TokenCall } from './face.ts'

const SLOW_MS = 30_000

/** A face whose renewed answers differ, after the work was done. */
function renewed(
  name: string,
  about: string,
  change: (body: Document, call: TokenCall) => Answer | Promise<Answer>,
): Face {
  return {
    name,
    about,
    token: (body, call) => (call.renewal === 0 ? json(body) : change(body, call)),
  }
}

/** A face that refuses renewals before any work is done; the first `times` of each grant. */
function refused(name: string, about: string, answer: () => Answer, times = Infinity): Face {
  const isRefused = ({ renewal }: TokenCall) => renewal > 0 && renewal <= times
  return { name, about, beforeToken: call => (isRefused(call) ? answer() : undefined) }
}

/** A renewed answer whose id_token has other claims. */
function reclaimed(name: string, about: string, members: Document): Face {
  return renewed(name, about, async (body, call) => {
    if (typeof body.id_token !== 'string') return json(body)
    return json({ ...body, id_token: await call.sign({ ...decodeJwt(body.id_token), ...members }) })
  })
}

const habits: readonly Face[] = [
  {
    name: 'no-rotation',
    about: "Oracle Health's habit: the refresh token stays, and is not told again.",
    keepsRefreshToken: true,
    token({ refresh_token, ...body }, { renewal }) {
      return json(renewal === 0 ? { ...body, refresh_token } : body)
    },
  },
  renewed('renewal-no-id-token', 'No id_token at renewals.', ({ id_token: _, ...body }) =>
    json(body),
  ),
  renewed('renewal-no-context', 'No launch context at renewals.', body => {
    const { patient: _patient, encounter: _encounter, ...rest } = body
    return json(rest)
  }),
  renewed('renewal-no-scope', 'No scope at renewals.', ({ scope: _, ...body }) => json(body)),
  renewed('renewal-scope-echo', "Epic's habit: offline_access is not told again.", body =>
    json({ ...body, scope: String(body.scope).replace(/ ?(offline|online)_access/, '') }),
  ),
]

const contradictions: readonly Face[] = [
  renewed('renewal-other-patient', 'Another patient at renewals.', body =>
    json({ ...body, patient: body.patient === 'amy-shaw' ? 'hiro-tanaka' : 'amy-shaw' }),
  ),
  reclaimed('renewal-other-sub', 'Another user at renewals.', { sub: 'somebody-else' }),
  reclaimed('renewal-other-iss', 'Another issuer at renewals.', { iss: 'https://honest.example' }),
  reclaimed('renewal-other-aud', 'For another client at renewals.', { aud: 'another-client' }),
  reclaimed('renewal-other-nonce', 'Another nonce at renewals.', { nonce: 'another' }),
  reclaimed('renewal-lacking-claims', 'An id_token at renewals that lacks aud and exp.', {
    aud: undefined,
    exp: undefined,
  }),
]

const failures: readonly Face[] = [
  refused('renewal-503', 'Renewals are down.', () => pageForPeople(503)),
  refused(
    'renewal-503-once',
    'The first renewal of each session fails.',
    () => pageForPeople(503),
    1,
  ),
  refused('renewal-429', 'Renewals are too many.', () => oauthError(429, 'slow_down')),
  refused('renewal-invalid-client', 'The client is known no more.', () =>
    oauthError(401, 'invalid_client'),
  ),
  refused('renewal-invalid-grant', 'The refresh token is over.', () =>
    oauthError(400, 'invalid_grant'),
  ),
  refused('renewal-invalid-grant-500', 'The refresh token is over, under status 500.', () =>
    oauthError(500, 'invalid_grant'),
  ),
  renewed('renewal-lost', 'The refresh token is used up, and the answer is lost.', () =>
    pageForPeople(502),
  ),
  renewed('renewal-slow', 'Renewals take half a minute.', body => late(json(body), SLOW_MS)),
]

export const renewalFaces: readonly Face[] = [...habits, ...contradictions, ...failures]

// Faults and habits of renewals alone: the login goes well, and the refresh does not.

import { decodeJwt } from 'jose'
import { type Answer, json, withHeaders } from '../http/answer.ts'
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

/** A face that keeps its refresh tokens and tells something else in their place. */
function unrotated(name: string, about: string, refreshToken: null | ''): Face {
  const face = renewed(name, about, body => json({ ...body, refresh_token: refreshToken }))
  return { ...face, keepsRefreshToken: true }
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
  renewed('renewal-nulls', 'Optional members are null at renewals.', body =>
    json({
      ...body,
      scope: null,
      id_token: null,
      patient: null,
      encounter: null,
      expires_in: null,
    }),
  ),
  renewed('renewal-empties', 'Optional members are empty texts at renewals.', body =>
    json({ ...body, scope: '', id_token: '', patient: '', encounter: '' }),
  ),
  unrotated('renewal-refresh-null', 'The refresh token stays, and renewals tell null.', null),
  unrotated(
    'renewal-refresh-empty',
    'The refresh token stays, and renewals tell an empty one.',
    '',
  ),
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

const busy: readonly Face[] = [
  refused(
    'renewal-503-retry-after',
    'The first renewal of each session fails, and Retry-After says 1.',
    () => withHeaders(pageForPeople(503), { 'retry-after': '1' }),
    1,
  ),
  refused(
    'renewal-503-retry-date',
    'The first renewal of each session fails, and Retry-After is a date in two seconds.',
    () => withHeaders(pageForPeople(503), { 'retry-after': soon() }),
    1,
  ),
  refused(
    'renewal-429-retry-after',
    'The first renewal of each session is too many, and Retry-After says 2.',
    () => withHeaders(oauthError(429, 'slow_down'), { 'retry-after': '2' }),
    1,
  ),
  refused('renewal-503-retry-hour', 'Renewals are down, and Retry-After says an hour.', () =>
    withHeaders(pageForPeople(503), { 'retry-after': '3600' }),
  ),
]

/** Refusals that no waiting will change, in the words that servers have for them. */
const refusals: readonly Face[] = [
  refused('renewal-invalid-request', 'The refresh token is over, as 400 invalid_request.', () =>
    oauthError(400, 'invalid_request'),
  ),
  refused('renewal-message-401', 'The refresh token is over, as 401 with a message alone.', () =>
    json({ message: 'Unauthorized' }, { status: 401 }),
  ),
  refused('renewal-401-empty', 'The refresh token is over, as 401 without a body.', () => ({
    status: 401,
    headers: { 'www-authenticate': 'Bearer' },
  })),
  refused('renewal-403', 'Renewals are forbidden, on a page for people.', () => pageForPeople(403)),
  refused('renewal-403-denied', 'Renewals are forbidden, as access_denied.', () =>
    oauthError(403, 'access_denied'),
  ),
  refused('renewal-vendor-error', "The refresh token is over, under a vendor's own name.", () =>
    oauthError(400, 'urn:ehr.example:error:session-revoked'),
  ),
  refused('renewal-interaction-required', 'The user must sign in again.', () =>
    oauthError(400, 'interaction_required'),
  ),
  refused('renewal-login-required', 'The user must sign in again, under another name.', () =>
    oauthError(400, 'login_required'),
  ),
  refused('renewal-invalid-scope', 'What was granted is granted no more.', () =>
    oauthError(400, 'invalid_scope'),
  ),
  refused('renewal-unauthorized-client', 'The client may not renew any more.', () =>
    oauthError(400, 'unauthorized_client'),
  ),
  refused('renewal-unsupported', 'Renewals are not supported any more.', () =>
    oauthError(400, 'unsupported_grant_type'),
  ),
  refused('renewal-400-html', 'Renewals are refused with 400, on a page for people.', () =>
    pageForPeople(400),
  ),
  refused('renewal-404', 'The token endpoint is gone at renewals.', () => pageForPeople(404)),
  refused('renewal-error-200', 'invalid_grant under status 200 at renewals.', () =>
    oauthError(200, 'invalid_grant'),
  ),
]

export const renewalFaces: readonly Face[] = [
  ...habits,
  ...contradictions,
  ...failures,
  ...busy,
  ...refusals,
]

function soon(): string {
  return new Date(Date.now() + 2000).toUTCString()
}

// Faults and habits of token answers. The work is done before; only what is said of it differs.

import { json, text } from '../http/answer.ts'
import { cutOff, huge, late, oauthError, pageForPeople } from './answers.ts'
import type { Document, Face } from './face.ts'

const SLOW_MS = 30_000

/** A face whose token answers differ by members; undefined takes one out. */
function differing(name: string, about: string, members: Document): Face {
  return { name, about, token: body => json({ ...body, ...members }) }
}

const members: readonly Face[] = [
  differing('expires-in-text', 'expires_in is a text.', { expires_in: '3600' }),
  differing('expires-in-missing', 'No expires_in.', { expires_in: undefined }),
  differing('expires-in-zero', 'expires_in is 0.', { expires_in: 0 }),
  differing('expires-in-negative', 'expires_in is negative.', { expires_in: -60 }),
  differing('expires-in-endless', 'expires_in is thirty years.', { expires_in: 946_080_000 }),
  differing('expires-in-words', 'expires_in is no number.', { expires_in: 'soon' }),
  differing('token-type-missing', 'No token_type.', { token_type: undefined }),
  differing('token-type-lower', 'token_type is bearer.', { token_type: 'bearer' }),
  differing('token-type-other', 'token_type is one that nobody knows.', { token_type: 'mac' }),
  differing('scope-missing', 'No scope.', { scope: undefined }),
  differing('scope-empty', 'scope is empty.', { scope: '' }),
  differing('scope-narrowed', 'Less is granted than was asked for, in words.', {
    scope: 'openid fhirUser launch/patient patient/Patient.rs',
  }),
  {
    name: 'scope-list',
    about: 'scope is a list.',
    token: body => json({ ...body, scope: String(body.scope).split(' ') }),
  },
  {
    name: 'scope-reordered',
    about: 'scope in another order.',
    token: body => json({ ...body, scope: String(body.scope).split(' ').toReversed().join(' ') }),
  },
  differing('access-token-missing', 'No access_token.', { access_token: undefined }),
  differing('access-token-hostile', 'An access_token that no header can carry.', {
    access_token: 'a\r\nx-evil: 1',
  }),
  differing('null-members', 'Members that are null.', { refresh_token: null, encounter: null }),
  differing('banner-text', 'need_patient_banner is a text.', { need_patient_banner: 'true' }),
  differing('context-texts', 'fhirContext in its old form, a list of texts.', {
    fhirContext: ['DocumentReference/amy-shaw-letter'],
  }),
  differing('context-odd', 'fhirContext with items that are none.', {
    fhirContext: [
      { role: '' },
      4711,
      { reference: 'Patient/amy-shaw' },
      { identifier: { value: 'A1' } },
    ],
  }),
  differing('extra-members', 'Members of its own.', {
    __epic_dstu2_patient: 'TnOZ.elPXC6zcBNFMcFA7A',
    'https://ehr.example/department': { id: 'ward-7' },
    user: 'secret-user-name',
  }),
  differing('no-refresh-token', 'No refresh token, whatever was asked for.', {
    refresh_token: undefined,
  }),
]

const answers: readonly Face[] = [
  { name: 'token-created', about: 'Status 201.', token: body => json(body, { status: 201 }) },
  {
    name: 'token-text-plain',
    about: 'The answer calls itself plain text.',
    token: body => text(JSON.stringify(body)),
  },
  { name: 'token-html', about: 'A page.', token: () => pageForPeople() },
  { name: 'token-huge', about: '26 MB.', token: body => huge(body, 26) },
  { name: 'token-truncated', about: 'Breaks off.', token: body => cutOff(json(body)) },
  { name: 'token-slow', about: 'Half a minute.', token: body => late(json(body), SLOW_MS) },
  {
    name: 'token-redirect',
    about: 'Redirects the credentials elsewhere.',
    beforeToken: () => ({ status: 307, headers: { location: 'https://evil.example/token' } }),
  },
  {
    name: 'token-error-500',
    about: 'invalid_grant under status 500.',
    beforeToken: () => oauthError(500, 'invalid_grant'),
  },
  {
    name: 'token-error-200',
    about: 'invalid_grant under status 200.',
    beforeToken: () => oauthError(200, 'invalid_grant'),
  },
  {
    name: 'token-client-401',
    about: 'invalid_client, with a challenge.',
    beforeToken: () => ({
      ...oauthError(401, 'invalid_client'),
      headers: { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="ehr"' },
    }),
  },
  {
    name: 'token-429',
    about: 'Asked too often.',
    beforeToken: () => ({
      ...oauthError(429, 'slow_down'),
      headers: { 'content-type': 'application/json', 'retry-after': '7' },
    }),
  },
  { name: 'token-503', about: 'Down.', beforeToken: () => pageForPeople(503) },
]

export const tokenFaces: readonly Face[] = [...members, ...answers]

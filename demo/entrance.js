// The page outside any record: what happened, the sessions that are open, and where to sign in.

import { buildLoginUrl, buildSessionUrl } from './broker.js'
import { formatTime } from './dates.js'
import { element } from './element.js'

const steps = [
  [
    'You sign in at the EHR',
    'fhirstorm sends you there and back, with PKCE and a state of its own.',
  ],
  [
    'fhirstorm keeps the tokens',
    'It exchanges the code, seals what it gets, and answers with a cookie.',
  ],
  [
    'This page reads FHIR',
    'Through fhirstorm, for one patient, with a cookie that no script can read.',
  ],
]

/** The words for how a login came back without a session; unknown codes get a general one. */
export function describeRefusal(code) {
  return code === 'access_denied'
    ? 'Access was denied at the EHR.'
    : 'The EHR did not complete the sign-in.'
}

/**
 * The entrance: a heading and a lead, links of EHRs where one's own login there can be ended, open
 * sessions to go to, EHRs to sign in at; and how it works, where it `explains`.
 */
export function buildEntrance({ heading, lead, explains, farewells = [], sessions, ehrs }) {
  const nameOfEhr = id => ehrs.find(ehr => ehr.id === id)?.name ?? id
  return element(
    'div',
    { class: 'entrance' },
    element('h1', {}, heading),
    element('p', { class: 'lead' }, lead),
    farewells
      .filter(isWebAddress)
      .map(href => element('p', {}, element('a', { href }, 'End your login at the EHR as well'))),
    sessions.length > 0 && [
      element('h2', {}, 'Open sessions'),
      element(
        'ul',
        { class: 'doors' },
        sessions.map(session =>
          buildDoor(
            buildSessionUrl(session.id),
            session.patient ?? session.user?.name ?? 'No patient',
            `${nameOfEhr(session.ehr)}, since ${formatTime(session.createdAt)}`,
          ),
        ),
      ),
    ],
    element('h2', {}, sessions.length > 0 ? 'Another sign-in' : 'Sign in at'),
    element(
      'ul',
      { class: 'doors' },
      ehrs.map(({ id, name }) => buildDoor(buildLoginUrl(id), name, 'Sign in')),
    ),
    explains && buildSteps(),
  )
}

function buildSteps() {
  const items = steps.map(([title, text]) =>
    element('li', {}, element('strong', {}, title), element('p', {}, text)),
  )
  return element('ol', { class: 'steps' }, items)
}

function buildDoor(href, title, detail) {
  return element(
    'li',
    {},
    element('a', { href }, element('strong', {}, title), element('small', {}, detail)),
  )
}

function isWebAddress(url) {
  return /^https?:\/\//.test(url)
}

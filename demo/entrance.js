// The page outside any record: what happened, what is still open, and where to sign in.

import { formatTime } from './dates.js'
import { element } from './element.js'
import { buildLoginUrl, buildSessionUrl } from './fhirstorm.js'
import { nameSession } from './names.js'

const newTab = { class: 'button main', target: '_blank', rel: 'noopener' }
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

/**
 * The entrance: a heading and a lead, a `tab` to open where that helps, what of an earlier login is still open, the open sessions to go to
 * or to end, the EHRs to sign in at; and how it works, where it `explains`.
 */
export function buildEntrance({
  heading,
  lead,
  tab,
  explains,
  stillOpen,
  sessions,
  ehrs,
  onSignOutAll,
}) {
  const nameOfEhr = id => ehrs.find(ehr => ehr.id === id)?.name ?? id
  return element(
    'div',
    { class: 'entrance' },
    element('h1', {}, heading),
    element('p', { class: 'lead' }, lead),
    tab && element('p', {}, element('a', { ...newTab, href: tab.href }, tab.text)),
    stillOpen.length > 0 && [
      element('h2', {}, 'Still open at the EHR'),
      element('ul', { class: 'open' }, stillOpen.map(buildStillOpen)),
    ],
    sessions.length > 0 && [
      element('h2', {}, 'Open sessions in this browser'),
      element(
        'ul',
        { class: 'doors' },
        sessions.map(session => buildSessionDoor(session, nameOfEhr(session.ehr))),
      ),
      element(
        'button',
        { type: 'button', class: 'after', onclick: onSignOutAll },
        sessions.length === 1 ? 'Sign out' : `Sign out of all ${sessions.length}`,
      ),
    ],
    element('h2', {}, sessions.length > 0 ? 'Another sign-in' : 'Sign in at'),
    element(
      'ul',
      { class: 'doors' },
      ehrs.map(({ id, name }) => buildDoor(buildLoginUrl(id), [name], 'Sign in')),
    ),
    explains && buildSteps(),
  )
}

function buildStillOpen({ text, href }) {
  const link = href && element('a', { href }, 'End your login at the EHR')
  return element('li', {}, text, link && [': ', link])
}

function buildSessionDoor(session, ehrName) {
  const title = element('span', {}, '…')
  const words = element('small', {}, `${ehrName}, since ${formatTime(session.createdAt)}`)
  nameSession(session).then(({ name, detail }) => {
    title.replaceChildren(name)
    if (detail) words.prepend(`${detail}, `)
  })
  const door = element(
    'a',
    { href: buildSessionUrl(session.id) },
    element('strong', {}, title),
    words,
  )
  return element('li', {}, door)
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

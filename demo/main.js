// What the page shows: the record of the session that its address names, or the entrance. A session is
// never chosen by default, and when one is over nothing of its record stays on the page.

import { endAllSessions, endSession, listEhrs, listSessions, readSession } from './broker.js'
import { buildFaultNote } from './card.js'
import { element } from './element.js'
import { buildEntrance, describeRefusal } from './entrance.js'
import { Fault } from './fault.js'
import { openRecord } from './record.js'
import { buildTabs } from './tabs.js'

const page = document.querySelector('#page')
const tabs = document.querySelector('#sessions')
const actions = document.querySelector('#actions')
const welcome = {
  heading: 'A patient’s record, and no token in the browser',
  lead: 'A SMART on FHIR app whose sign-in, tokens and FHIR calls go through fhirstorm.',
  explains: true,
}
const choose = {
  heading: 'Whose record?',
  lead: 'Each sign-in is a session of its own: one patient, one cookie, one FHIR address.',
}
const signedOut = {
  heading: 'You are signed out',
  lead: 'Nothing of the record is left on this page.',
}
const over = {
  heading: 'This session is over',
  lead: 'Sign in again to go on. Nothing of the record is left on this page.',
}

// A page that the browser kept for going back may show a record whose session is over.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload())

/** Shows what the address asks for. */
export async function start() {
  try {
    const query = new URLSearchParams(location.search)
    const [ehrs, sessions] = await Promise.all([listEhrs(), listSessions()])
    const session = sessions.find(({ id }) => id === query.get('session'))
    if (session !== undefined) return await show(session, sessions, ehrs)
    enter({ ...greet(query, sessions), sessions, ehrs })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    page.replaceChildren(element('div', { class: 'lone' }, buildFaultNote(error, start)))
  }
}

function greet(query, sessions) {
  if (query.has('error')) {
    return { heading: 'You are not signed in', lead: describeRefusal(query.get('error')) }
  }
  if (query.has('session')) return over
  return sessions.length > 0 ? choose : welcome
}

function enter(entrance) {
  tabs.replaceChildren()
  actions.replaceChildren()
  document.title = 'fhirstorm demo'
  history.replaceState(null, '', location.pathname)
  page.replaceChildren(buildEntrance(entrance))
}

async function show({ id, ehr }, sessions, ehrs) {
  let hasLeft = false
  const session = await readSession(id)
  const signOut = () => leave(() => endSession(id), signedOut)
  const stop = openRecord(page, session, {
    ehrName: ehrs.find(one => one.id === ehr)?.name ?? ehr,
    events: {
      onEnd: () => leave(async () => [], over),
      onSignOut: signOut,
      onSignOutAll: () => leave(endAllSessions, signedOut),
      onName(name) {
        document.title = `${name} · fhirstorm demo`
        tabs.replaceChildren(...buildTabs(sessions, id, name))
      },
    },
  })
  tabs.replaceChildren(...buildTabs(sessions, id))
  actions.replaceChildren(
    element('a', { class: 'button', href: './' }, 'Sessions'),
    element('button', { type: 'button', onclick: signOut }, 'Sign out'),
  )

  async function leave(end, greeting) {
    try {
      const farewells = await end()
      if (hasLeft) return
      hasLeft = true
      stop()
      page.replaceChildren()
      enter({ ...greeting, farewells, ehrs, sessions: await listSessions().catch(() => []) })
      page.focus()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (error.endsSession) return leave(async () => [], over)
      page.prepend(buildFaultNote(error, () => leave(end, greeting)))
    }
  }
}

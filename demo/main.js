// What the page shows: the record of the session that its address names, or the entrance. A session is
// never chosen by default, and when one is over, wherever it was ended, nothing of its record stays.

import { Fault, readLanding } from '../client/index.ts'
import { announce } from './announce.js'
import { buildFaultNote } from './card.js'
import { element } from './element.js'
import {
  describeEnding,
  describeFailure,
  describeRefusal,
  describeStillOpen,
  greetings,
} from './endings.js'
import { buildEntrance } from './entrance.js'
import { fhirstorm } from './fhirstorm.js'
import { explainWhenLate } from './late.js'
import { openRecord } from './record.js'
import { buildTabs } from './tabs.js'

const page = document.querySelector('#page')
const tabs = document.querySelector('#sessions')
const actions = document.querySelector('#actions')

// A page that the browser kept for going back may show a record whose session is over.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload())

/** Shows what the address asks for. */
export async function start() {
  const clearLate = explainWhenLate(page, () => [
    element('p', { class: 'lone', role: 'status' }, 'Waiting for fhirstorm …'),
  ])
  try {
    const { session: id, error } = readLanding(location.href)
    const [ehrs, sessions] = await Promise.all([fhirstorm.ehrs(), fhirstorm.sessions()])
    const session = sessions.find(one => one.id === id)
    if (session !== undefined) return show(session, ehrs)
    if (error !== undefined) enter(describeRefusal(error), ehrs)
    else if (id !== undefined) enter(isFramed() ? greetings.overInFrame : greetings.over, ehrs)
    else enter(sessions.length > 0 ? greetings.choose : greetings.welcome, ehrs)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    page.replaceChildren(
      element(
        'div',
        { class: 'lone' },
        element('h1', {}, 'Not there'),
        buildFaultNote(error, start),
      ),
    )
  } finally {
    clearLate()
  }
}

/** Whether the page is a part of another one, where a browser may keep no cookies. */
function isFramed() {
  return window.top !== window
}

/** The entrance; sessions that end meanwhile leave it at once. */
function enter(greeting, ehrs, stillOpen = []) {
  clear()
  document.title = `${greeting.heading} · fhirstorm demo`
  history.replaceState(null, '', location.pathname)
  let shown
  const draw = () => {
    const { sessions } = fhirstorm.store.getSnapshot()
    if (listIds(sessions) === shown) return
    shown = listIds(sessions)
    page.replaceChildren(buildEntrance({ ...greeting, ehrs, sessions, stillOpen, onSignOutAll }))
  }
  const stop = fhirstorm.store.subscribe(draw)
  draw()

  async function onSignOutAll() {
    stop()
    await signOut(ehrs, fhirstorm.store.getSnapshot().sessions, undefined)
  }
}

function show(session, ehrs) {
  const { id } = session
  const nameOfEhr = ehr => ehrs.find(one => one.id === ehr)?.name ?? ehr
  const onSignOut = () => leave(() => signOut(ehrs, [session], id))
  const onSignOutAll = () => leave(() => signOut(ehrs, fhirstorm.store.getSnapshot().sessions))
  const close = openRecord(page, session, {
    ehrName: nameOfEhr(session.ehr),
    onSignOut,
    onSignOutAll,
  })
  actions.replaceChildren(
    element('a', { class: 'button', href: './' }, 'Sessions'),
    element('button', { type: 'button', onclick: onSignOut }, 'Sign out'),
  )
  const stop = fhirstorm.store.subscribe(follow)
  let shown
  follow()

  function follow() {
    const { sessions, ended } = fhirstorm.store.getSnapshot()
    const ending = ended.find(one => one.id === id)
    if (ending !== undefined) return leave(() => arrive(describeEnding(ending.reason), ehrs))
    if (listIds(sessions) === shown) return
    shown = listIds(sessions)
    tabs.replaceChildren(...buildTabs(sessions, id, nameOfEhr))
  }

  // First the record leaves the page, then anything else is done.
  function leave(then) {
    stop()
    close()
    clear()
    then()
  }
}

/** Ends one session, or all, and says what came of it. */
async function signOut(ehrs, sessions, id) {
  page.replaceChildren(element('p', { class: 'lone', role: 'status' }, 'Signing out …'))
  try {
    const { endSessionUrls } = await fhirstorm.logout(id)
    const used = new Set(sessions.map(({ ehr }) => ehr))
    const left = ehrs.filter(ehr => used.has(ehr.id))
    arrive(greetings.signedOut, ehrs, describeStillOpen(left, endSessionUrls))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.endsSession) return arrive(greetings.over, ehrs)
    page.replaceChildren(describeFailure(error, () => signOut(ehrs, sessions, id)))
  }
}

function arrive(greeting, ehrs, stillOpen) {
  enter(greeting, ehrs, stillOpen)
  page.focus()
  announce(`${greeting.heading}. ${greeting.lead}`)
}

function clear() {
  for (const part of [page, tabs, actions]) part.replaceChildren()
  document.title = 'fhirstorm demo'
}

function listIds(sessions) {
  return sessions.map(({ id }) => id).join(' ')
}

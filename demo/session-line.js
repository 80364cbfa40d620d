// A session in time: when it began, when its token was renewed, until when that one is good, when the
// session ends. All of it times: no token is known here.

import { formatTime } from './dates.js'
import { element } from './element.js'
import { fhirstorm } from './fhirstorm.js'

const MAX_RENEWALS = 3

/** The line of one session, as a list that changes with it. */
export function createSessionLine(session, ehrName) {
  const list = element('ol', { class: 'line', 'aria-label': 'The session in time' })
  let shown
  const stop = fhirstorm.store.subscribe(draw)
  draw()
  return { list, stop }

  function draw() {
    const { sessions, renewals } = fhirstorm.store.getSnapshot()
    const current = sessions.find(({ id }) => id === session.id) ?? session
    const own = renewals.filter(({ id }) => id === session.id)
    const points = listPoints(current, own, ehrName)
    const text = JSON.stringify(points)
    if (text === shown) return
    shown = text
    list.replaceChildren(...points.map(buildPoint))
  }
}

/**
 * The points of a session's line in order of time: `{ at, text, kind }`, where what lies ahead is
 * `ahead`. Of many renewals the last ones. Pure.
 */
export function listPoints({ createdAt, idleExpiresAt, expiresAt, access }, renewals, ehrName) {
  const last = renewals.at(-1)
  const good = last?.tokenExpiresAt ?? access?.expiresAt
  const left = renewals.length - MAX_RENEWALS
  const points = [
    { at: createdAt, text: `Signed in at ${ehrName}: a token for fhirstorm` },
    ...renewals.slice(-MAX_RENEWALS).map(({ at }, index) => ({
      at,
      text: index === 0 && left > 0 ? `Token renewed, after ${left} times before` : 'Token renewed',
    })),
    ...(good === undefined
      ? []
      : [{ at: good, text: 'This token ends; in use it is renewed before', isAhead: true }]),
    { at: idleExpiresAt, text: 'Ends unless used', isAhead: true },
    { at: expiresAt, text: 'Ends in any case', isAhead: true },
  ]
  return points.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

function buildPoint({ at, text, isAhead = false }) {
  return element(
    'li',
    { class: isAhead && 'ahead' },
    element('time', { datetime: at }, formatTime(at)),
    element('span', {}, text),
  )
}

// When the session ends: asked of the server without keeping the session alive, counted down by the
// steady clock of the page, so that a wrong clock on this computer does not matter.

import { readSession } from './broker.js'
import { Fault } from './fault.js'

const ASK_EVERY_MS = 30_000

/**
 * Watches a session: `onTick` hears the milliseconds left of idle and absolute time each second,
 * `onEnd` that it is over. `renew` keeps the session alive; `stop` ends the watch.
 */
export function watchSession(session, { onTick, onEnd }) {
  let ends = readEnds(session)
  let askedAt = performance.now()
  const ticks = setInterval(tick, 1_000)
  const wake = () => document.visibilityState === 'visible' && ask()
  document.addEventListener('visibilitychange', wake)
  tick()
  return { renew: () => ask({ slide: true }), stop }

  function tick() {
    const now = performance.now()
    const left = { idle: ends.idle - now, absolute: ends.absolute - now }
    onTick(left)
    if (isOver() || now - askedAt > ASK_EVERY_MS) ask()
  }

  function isOver() {
    return Math.min(ends.idle, ends.absolute) < performance.now()
  }

  async function ask(options) {
    askedAt = performance.now()
    try {
      ends = readEnds(await readSession(session.id, options))
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
      // A server that does not answer is no reason to show the record beyond its time.
      if (!fault.endsSession && !isOver()) return
      stop()
      onEnd()
    }
  }

  function stop() {
    clearInterval(ticks)
    document.removeEventListener('visibilitychange', wake)
  }
}

function readEnds({ idleExpiresAt, expiresAt, readAt }) {
  const at = performance.now() - readAt
  return { idle: Date.parse(idleExpiresAt) + at, absolute: Date.parse(expiresAt) + at }
}

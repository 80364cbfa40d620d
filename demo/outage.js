// The one place where it is said that the EHR, or fhirstorm itself, does not answer: what depends on it
// waits, and is loaded when it answers again.

import { announce } from './announce.js'
import { element } from './element.js'
import { fhirstorm } from './fhirstorm.js'

/**
 * The place of a notice that is there while a session's EHR does not answer; `tryAgain` loads what waits
 * for it. `wait` tells that something does, `stop` ends the watch.
 */
export function createOutageNotice({ ehr, ehrName, tryAgain }) {
  const place = element('div', { class: 'outage', role: 'alert' })
  let shown
  const stop = fhirstorm.store.subscribe(follow)
  follow()
  return { place, wait: () => show(findCause() ?? 'Something'), stop }

  function follow() {
    const cause = findCause()
    if (cause !== undefined) return show(cause)
    if (shown === undefined) return
    announce(`${shown} answers again.`)
    retry()
  }

  function findCause() {
    const { state, ehrsDown } = fhirstorm.store.getSnapshot()
    if (state === 'unreachable') return 'fhirstorm'
    return ehrsDown.includes(ehr) ? ehrName : undefined
  }

  function show(cause) {
    if (cause === shown) return
    shown = cause
    place.replaceChildren(
      element(
        'div',
        { class: 'fault' },
        element('p', {}, element('strong', {}, `${cause} does not answer.`)),
        element('p', {}, 'What is missing here may well be in the record.'),
        element('button', { type: 'button', onclick: retry }, 'Try again'),
      ),
    )
  }

  function retry() {
    shown = undefined
    place.replaceChildren()
    tryAgain()
  }
}

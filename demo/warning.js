// The warning before a session ends (WCAG 2.2.1): a dialog, the title of the tab, and what is said to
// those who see neither. It goes away by itself when the session was used meanwhile, in any tab.

import { announce } from './announce.js'
import { buildFaultNote } from './card.js'
import { formatSpan, speakSpan } from './dates.js'
import { element } from './element.js'
import { buildLoginUrl, fhirstorm } from './fhirstorm.js'

// Seconds left at which it is said again how long.
const spoken = [60, 30, 10]

/** The dialog of one session, closed as long as there is time. `stop` ends its watch. */
export function createWarning(session, { onSignOut }) {
  const countdown = fhirstorm.countdown(session.id)
  const time = element('strong', { role: 'timer', class: 'left' })
  const title = element('h2', { id: 'warning-title' }, 'Your session is about to end')
  const words = element('p', { id: 'warning-words' })
  const trouble = element('div', {})
  const stay = element('button', { type: 'button', class: 'main', onclick: keep }, 'Stay signed in')
  const again = element(
    'a',
    { class: 'button main', href: buildLoginUrl(session.ehr) },
    'Sign in again',
  )
  const later = element('button', { type: 'button', onclick: dismiss }, 'Go on until then')
  const out = element('button', { type: 'button', onclick: onSignOut }, 'Sign out now')
  const dialog = element(
    'dialog',
    {
      class: 'warning',
      role: 'alertdialog',
      'aria-labelledby': 'warning-title',
      'aria-describedby': 'warning-words',
      oncancel: dismiss,
    },
    title,
    element('p', { class: 'time' }, time, ' left'),
    words,
    trouble,
    element('div', { class: 'buttons' }, stay, again, later, out),
  )
  let plainTitle
  let lastLeft = Number.POSITIVE_INFINITY
  let isDismissed = false
  let canStay
  const unsubscribe = countdown.subscribe(follow)
  return {
    dialog,
    stop() {
      unsubscribe()
      close()
    },
  }

  function follow() {
    const left = countdown.getSnapshot()
    if (left === undefined) return
    if (!left.isExpiring) {
      if (dialog.open) announce('You stay signed in.')
      isDismissed = false
      return close()
    }
    explain(left)
    if (!dialog.open && !isDismissed) open(left)
    time.textContent = formatSpan(left.left)
    plainTitle ??= document.title
    document.title = `${formatSpan(left.left)} left · ${plainTitle}`
    const isDue = spoken.some(seconds => left.left <= seconds && seconds < lastLeft)
    if (isDue) announce(`Your session ends in ${speakSpan(left.left)}.`)
    lastLeft = left.left
  }

  // Whoever stays near the end of what a session may last at all has no more to gain by it.
  function explain({ idle, absolute }) {
    if (canStay === idle < absolute) return
    canStay = idle < absolute
    stay.hidden = !canStay
    again.hidden = canStay
    later.hidden = canStay
    words.textContent = canStay
      ? 'It has not been used for a while. When it ends, the record leaves this page.'
      : 'It has lasted as long as a session may. When it ends, the record leaves this page.'
    if (dialog.open && !canStay) {
      again.focus()
      announce(words.textContent)
    }
  }

  function open({ left }) {
    trouble.replaceChildren()
    dialog.showModal()
    announce(`Your session ends in ${speakSpan(left)}.`)
  }

  function close() {
    if (dialog.open) dialog.close()
    if (plainTitle !== undefined) document.title = plainTitle
    plainTitle = undefined
    lastLeft = Number.POSITIVE_INFINITY
  }

  // Its time goes on in the title, and is said.
  function dismiss() {
    isDismissed = true
    dialog.close()
  }

  async function keep() {
    try {
      await fhirstorm.session(session.id, { slide: true })
    } catch (error) {
      if (error.endsSession) return
      trouble.replaceChildren(buildFaultNote(error, keep))
    }
  }
}

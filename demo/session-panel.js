// The card of the session: who is signed in where, what was granted and what was not, and when it ends.

import { buildCard } from './card.js'
import { watchSession } from './countdown.js'
import { formatSpan, formatTime } from './dates.js'
import { descriptions, element } from './element.js'

/**
 * The card of a session's document; `onEnd` hears that the session is over. Gives the card and `stop`,
 * which ends its watch.
 */
export function createSessionPanel(session, { ehrName, onEnd, onSignOut, onSignOutAll }) {
  const { user, fhirUser, fhirBaseUrl, issuer, scope, createdAt } = session
  const idle = element('strong', { role: 'timer' })
  const absolute = element('strong', { role: 'timer' })
  const watch = watchSession(session, {
    onEnd,
    onTick(left) {
      idle.textContent = formatSpan(left.idle)
      idle.classList.toggle('soon', left.idle < 120_000)
      absolute.textContent = formatSpan(left.absolute)
    },
  })
  const button = (label, onclick) => element('button', { type: 'button', onclick }, label)
  const card = buildCard(
    'Session',
    'session',
    descriptions(
      [
        ['Ends unless used', idle],
        ['Ends in any case', absolute],
      ],
      { class: 'limits' },
    ),
    descriptions([
      [
        'Signed in',
        `${user?.name ?? user?.preferredUsername ?? 'Unnamed'}, ${formatTime(createdAt)}`,
      ],
      ['User', fhirUser && element('code', {}, fhirUser.replace(`${issuer}/`, ''))],
      ['EHR', ehrName],
      ['FHIR base', element('code', {}, fhirBaseUrl)],
      ['Granted', buildScopes(scope.granted)],
      ['Not granted', scope.missing.length > 0 ? buildScopes(scope.missing) : undefined],
    ]),
    element(
      'div',
      { class: 'buttons' },
      button('Stay signed in', watch.renew),
      button('Sign out', onSignOut),
      button('Sign out of all', onSignOutAll),
    ),
  )
  return { card, stop: watch.stop }
}

function buildScopes(scopes) {
  const items = scopes.map(scope => element('li', {}, element('code', {}, scope)))
  return element('ul', { class: 'scopes' }, items)
}

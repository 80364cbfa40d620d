// The card of the session: who is signed in where, what was granted and what was not, and how it goes on
// in time.

import { buildCard } from './card.js'
import { formatSpan } from './dates.js'
import { descriptions, element } from './element.js'
import { fhirstorm } from './fhirstorm.js'
import { createSessionLine } from './session-line.js'

/** The card of a session's document. Gives the card and `stop`, which ends its watch. */
export function createSessionCard(session, { ehrName, onSignOut, onSignOutAll }) {
  const { id, user, fhirUser, fhirBaseUrl, issuer, scope } = session
  const idle = element('strong', { role: 'timer' })
  const absolute = element('strong', { role: 'timer' })
  const countdown = fhirstorm.countdown(id)
  const line = createSessionLine(session, ehrName)
  const stop = countdown.subscribe(follow)
  follow()
  const button = (label, onclick) => element('button', { type: 'button', onclick }, label)
  const card = buildCard(
    'Session',
    'session',
    descriptions(
      [
        ['Time left unless used', idle],
        ['Time left in any case', absolute],
      ],
      { class: 'limits' },
    ),
    line.list,
    descriptions([
      ['Signed in', user?.name ?? user?.preferredUsername ?? 'Unnamed'],
      ['User', fhirUser && element('code', {}, readReference(fhirUser, [fhirBaseUrl, issuer]))],
      ['EHR', ehrName],
      ['FHIR base', element('code', {}, fhirBaseUrl)],
      ['Granted', buildScopes(scope.granted)],
      ['Not granted', scope.missing.length > 0 ? buildScopes(scope.missing) : undefined],
    ]),
    element(
      'div',
      { class: 'buttons' },
      button('Stay signed in', () => fhirstorm.session(id, { slide: true }).catch(() => undefined)),
      button('Sign out', onSignOut),
      button('Sign out of all', onSignOutAll),
    ),
  )
  return {
    card,
    stop() {
      stop()
      line.stop()
    },
  }

  function follow() {
    const left = countdown.getSnapshot()
    if (left === undefined) return
    idle.textContent = formatSpan(left.idle)
    idle.classList.toggle('soon', left.isExpiring)
    absolute.textContent = formatSpan(left.absolute)
  }
}

/** The user's resource without the base that it lies below: ours, or the EHR's where addresses are not rewritten. */
function readReference(address, bases) {
  const base = bases.find(one => address.startsWith(`${one}/`))
  return base === undefined ? address : address.slice(base.length + 1)
}

function buildScopes(scopes) {
  const items = scopes.map(scope => element('li', {}, element('code', {}, scope)))
  return element('ul', { class: 'scopes' }, items)
}

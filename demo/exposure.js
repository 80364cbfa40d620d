// The card that looks for secrets where a script could find them. What it finds is nothing: the ticket
// is an HttpOnly cookie, the tokens never leave the server.

import { buildCard } from './card.js'
import { descriptions, element } from './element.js'

/** The card; it looks when it is made and whenever it is asked to. */
export function createExposureCard() {
  const findings = element('div', { 'aria-live': 'polite' })
  const look = async () => findings.replaceChildren(buildFindings(await findSecrets()))
  look()
  return buildCard(
    'What this page can see',
    'exposure',
    element(
      'p',
      { class: 'note' },
      'A script on this page, whoever wrote it, finds no token and no cookie to carry away.',
    ),
    findings,
    element(
      'div',
      { class: 'buttons' },
      element('button', { type: 'button', onclick: look }, 'Look again'),
    ),
  )
}

/** What each place that a script can read holds, as a count of things. */
async function findSecrets() {
  return [
    ['document.cookie', document.cookie.split(';').filter(Boolean).length],
    ['localStorage', localStorage.length],
    ['sessionStorage', sessionStorage.length],
    ['indexedDB', (await indexedDB.databases()).length],
    ['Cache storage', (await globalThis.caches?.keys())?.length ?? 0],
    ['Service workers', (await navigator.serviceWorker?.getRegistrations())?.length ?? 0],
  ]
}

function buildFindings(places) {
  const pairs = places.map(([place, count]) => [
    element('code', {}, place),
    element('span', { class: count === 0 ? 'none' : 'some' }, count === 0 ? 'empty' : `${count}`),
  ])
  return descriptions(pairs, { class: 'findings' })
}

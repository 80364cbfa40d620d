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

const places = [
  ['document.cookie', () => document.cookie.split(';').filter(Boolean).length],
  ['localStorage', () => localStorage.length],
  ['sessionStorage', () => sessionStorage.length],
  ['indexedDB', async () => (await indexedDB.databases()).length],
  ['Cache storage', async () => (await globalThis.caches?.keys())?.length ?? 0],
  ['Service workers', async () => (await navigator.serviceWorker?.getRegistrations())?.length ?? 0],
]

/**
 * What each place that a script can read holds, as a count of things; undefined where the browser closes it
 * to this page, as it may in a frame.
 */
async function findSecrets() {
  return await Promise.all(
    places.map(async ([place, count]) => [
      place,
      await (async () => count())().catch(() => undefined),
    ]),
  )
}

function buildFindings(found) {
  const pairs = found.map(([place, count]) => [
    element('code', {}, place),
    count
      ? element('span', { class: 'some' }, `${count}`)
      : element('span', { class: 'none' }, count === 0 ? 'empty' : 'closed to this page'),
  ])
  return descriptions(pairs, { class: 'findings' })
}

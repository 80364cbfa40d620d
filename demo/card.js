// A card: a title, and content that is loading, there, empty or refused.

import { Fault } from '../client/index.ts'
import { element } from './element.js'

/**
 * A card that loads a list and shows it; `empty` is said where the list is. What is not there at this
 * EHR (404) is no fault but said as such. That the EHR does not answer is told once, on top of the page;
 * the card then waits for it. Any other fault can be tried again.
 */
export function createCard(title, { id, fhir, load, show, empty }) {
  const body = element('div', { class: 'card-body' })
  const card = buildCard(title, id, body)
  const fill = async () => {
    card.setAttribute('aria-busy', 'true')
    body.replaceChildren(buildSkeleton())
    body.replaceChildren(...[await attempt()].flat())
    card.removeAttribute('aria-busy')
  }
  const attempt = async () => {
    try {
      const content = await load()
      return content.length === 0 ? buildNote(empty) : show(content)
    } catch (error) {
      return buildFault(error, { fhir, retry: fill })
    }
  }
  fill()
  return card
}

/** What a part of the page shows instead of what it could not load. */
export function buildFault(error, { fhir, retry }) {
  if (!(error instanceof Fault)) reportError(error)
  if (isOutage(error)) {
    fhir.whenBack(retry)
    return buildNote('Not loaded.')
  }
  if (error.kind === 'ehr' && error.status === 404) {
    return buildNote('This EHR does not offer these.')
  }
  return buildFaultNote(error, retry)
}

/** Whether a fault is one that all parts of the page have at once. */
export function isOutage(error) {
  return error instanceof Fault && (error.kind === 'ehr-down' || error.kind === 'network')
}

/** A card with content that is there. */
export function buildCard(title, id, ...content) {
  const heading = element('h2', { id: `${id}-title` }, title)
  return element(
    'section',
    { class: 'card', id, 'aria-labelledby': `${id}-title` },
    heading,
    ...content,
  )
}

/** A quiet sentence where there is nothing to show. */
export function buildNote(text) {
  return element('p', { class: 'note' }, text)
}

/** What went wrong and who said so, with a way to try again. */
export function buildFaultNote({ message, kind, status, code }, retry) {
  const origin = [sources[kind] ?? 'fhirstorm', status || undefined, code]
  return element(
    'div',
    { class: 'fault', role: 'alert' },
    element('p', {}, message),
    kind && element('p', { class: 'origin' }, `Said by ${origin.filter(Boolean).join(' · ')}`),
    element('button', { type: 'button', onclick: retry }, 'Try again'),
  )
}

const sources = { ehr: 'the EHR', network: 'the network' }

function buildSkeleton() {
  const lines = Array.from({ length: 3 }, () => element('span', {}))
  return element('div', { class: 'skeleton', role: 'img', 'aria-label': 'Loading' }, lines)
}

// A card: a title, and content that is loading, there, empty or refused.

import { element } from './element.js'
import { Fault } from './fault.js'

/**
 * A card that loads a list and shows it; `empty` is said where the list is. What is not there at this
 * EHR (404) is no fault but said as such; a fault can be tried again.
 */
export function createCard(title, { id, load, show, empty }) {
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
      if (!(error instanceof Fault)) reportError(error)
      else if (error.source === 'the EHR' && error.status === 404) {
        return buildNote('This EHR does not offer these.')
      }
      return buildFaultNote(error, fill)
    }
  }
  fill()
  return card
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
export function buildFaultNote({ message, source, status, code }, retry) {
  const origin = [source, status || undefined, code].filter(Boolean).join(' · ')
  return element(
    'div',
    { class: 'fault', role: 'alert' },
    element('p', {}, message),
    source && element('p', { class: 'origin' }, `Said by ${origin}`),
    element('button', { type: 'button', onclick: retry }, 'Try again'),
  )
}

function buildSkeleton() {
  const lines = Array.from({ length: 3 }, () => element('span', {}))
  return element('div', { class: 'skeleton', role: 'status', 'aria-label': 'Loading' }, lines)
}

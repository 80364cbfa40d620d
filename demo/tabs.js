// The sessions of this browser as tabs: plain links, so that each can have a browser tab of its own.

import { element } from './element.js'
import { buildSessionUrl } from './fhirstorm.js'
import { nameSession } from './names.js'

/** The tabs; `current` is the id of the session shown. */
export function buildTabs(sessions, current, nameOfEhr) {
  return sessions.map(session => {
    const { id, ehr } = session
    const words = element('span', {}, '…')
    nameSession(session).then(({ name }) => words.replaceChildren(name))
    return element(
      'a',
      {
        class: 'tab',
        href: buildSessionUrl(id),
        'aria-current': id === current && 'page',
        title: nameOfEhr(ehr),
      },
      words,
    )
  })
}

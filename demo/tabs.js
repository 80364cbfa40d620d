// The sessions of this browser as tabs: plain links, so that each can have a browser tab of its own.
// Other sessions show their patient's id alone: reading the name would keep them alive.

import { buildSessionUrl } from './broker.js'
import { element } from './element.js'

/** The tabs; `current` is the session shown, `name` its patient's name once it is known. */
export function buildTabs(sessions, current, name) {
  return sessions.map(({ id, patient, ehr }) => {
    const isCurrent = id === current
    return element(
      'a',
      { class: 'tab', href: buildSessionUrl(id), 'aria-current': isCurrent && 'page', title: ehr },
      (isCurrent && name) || (patient ?? ehr),
    )
  })
}

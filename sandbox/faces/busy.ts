// Discovery that is away for a while: busy or under maintenance at one visit, well at the others.

import { type Answer, json, withHeaders } from '../http/answer.ts'
import { oauthError, pageForPeople } from './answers.ts'
import type { Face } from './face.ts'

/** A face whose SMART configuration is away at one visit. */
function away(name: string, about: string, visit: number, answer: () => Answer): Face {
  return {
    name,
    about,
    smartConfiguration: (document, call) => (call.visit === visit ? answer() : json(document)),
  }
}

const busy = () => withHeaders(pageForPeople(503), { 'retry-after': '1' })
const maintenance = () => pageForPeople(200)

export const busyFaces: readonly Face[] = [
  away('discovery-503-first', 'Discovery is busy at the first visit.', 1, busy),
  away('discovery-503-second', 'Discovery is busy at the second visit.', 2, busy),
  away('discovery-429-second', 'Discovery was asked too often at the second visit.', 2, () =>
    oauthError(429, 'slow_down'),
  ),
  away(
    'discovery-maintenance-first',
    'A page of status 200 says at the first visit that there is maintenance.',
    1,
    maintenance,
  ),
  away(
    'discovery-maintenance-second',
    'A page of status 200 says at the second visit that there is maintenance.',
    2,
    maintenance,
  ),
  {
    name: 'smart-503',
    about: 'The SMART configuration is busy; metadata is not, and names no issuer and no keys.',
    smartConfiguration: busy,
  },
  {
    name: 'keys-503-first',
    about: 'Keys are busy at the first visit.',
    jwks: (document, { visit }) => (visit === 1 ? busy() : json(document)),
  },
]

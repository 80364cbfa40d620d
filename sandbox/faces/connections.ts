// Habits of connections: closed when idle or under a second request, and interim answers unasked.
// They meet whoever calls the server from a server; the user's browser is left alone.

import type { Manner } from '../http/connection.ts'
import { routes } from '../site.ts'
import type { Face, Place } from './face.ts'

type Spot = (place: Place) => boolean

const anywhere: Spot = ({ kind, path }) =>
  kind === 'fhir' || !(path.startsWith(routes.authorize) || path.startsWith(routes.logout))
const atToken: Spot = ({ path }) => path === routes.token
const atFhir: Spot = ({ kind, path }) =>
  kind === 'fhir' && !path.startsWith('/.well-known/') && path !== '/metadata'

/** A face that has a manner with the connections of these requests. */
export function mannered(name: string, about: string, manner: Manner, at = anywhere): Face {
  return { name, about, connection: place => (at(place) ? manner : undefined) }
}

const closing: readonly Face[] = [
  mannered('idle-close', 'Closes connections that were idle for 700 ms.', { idleMs: 700 }),
  mannered('idle-close-early', 'Closes connections that were idle for 50 ms.', { idleMs: 50 }),
  mannered('idle-close-promised', 'Promises to wait for a minute, and closes after 700 ms.', {
    idleMs: 700,
    promises: 60,
  }),
  mannered('reused-close', 'Closes each connection at its second request, without an answer.', {
    reused: 'close',
  }),
  mannered('reused-reset', 'Resets each connection at its second request, without an answer.', {
    reused: 'reset',
  }),
  mannered(
    'reused-close-token',
    'Closes a connection that was used before when a token request comes on it.',
    { reused: 'close' },
    atToken,
  ),
  mannered(
    'reused-close-fhir',
    'Closes a connection that was used before when a FHIR request comes on it.',
    { reused: 'close' },
    atFhir,
  ),
]

const interim: readonly Face[] = [
  mannered('interim-100', '100 Continue before each answer, unasked.', { interim: [100] }),
  mannered(
    'interim-100-fhir',
    '100 Continue before each FHIR answer, unasked.',
    { interim: [100] },
    atFhir,
  ),
  mannered(
    'interim-100-token',
    '100 Continue before each token answer, unasked.',
    { interim: [100] },
    atToken,
  ),
  mannered('interim-102', '102 Processing before each answer.', { interim: [102] }),
  mannered('interim-103', '103 Early Hints before each answer.', { interim: [103] }),
  mannered('interim-several', '102 twice, then 103 and 100, before each answer.', {
    interim: [102, 102, 103, 100],
  }),
  mannered(
    'interim-flood',
    'Ten thousand times 102 before each FHIR answer.',
    { interim: Array.from({ length: 10_000 }, () => 102) },
    atFhir,
  ),
]

export const connectionFaces: readonly Face[] = [...closing, ...interim]

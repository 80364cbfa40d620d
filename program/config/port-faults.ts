// Listeners that would take one another's port: a start would fail, or one would serve what is the other's.
// Pure: no I/O.

import type { SoundParts } from './sound-parts.ts'

type Fault = readonly [place: readonly PropertyKey[], message: string]

const EVERYWHERE = ['0.0.0.0', '::']

/** Each listener whose port another one before it has at the same address, with the place of its port. */
export function listPortFaults({ listen, admin, internal }: SoundParts): Fault[] {
  const listeners = [
    { name: 'listen', at: listen },
    { name: 'admin', at: admin || undefined },
    { name: 'internal', at: internal && 'port' in internal ? internal : undefined },
  ]
  return listeners.flatMap(({ name, at }, i) => {
    const earlier = listeners.slice(0, i).find(other => at && other.at && collide(at, other.at))
    return earlier ? [[[name, 'port'], `${earlier.name} has this port`] as const] : []
  })
}

interface Address {
  host: string
  port: number
}

/** Port 0 is another one each time. */
function collide(one: Address, other: Address): boolean {
  const hosts = [one.host, other.host]
  const meet = one.host === other.host || EVERYWHERE.some(host => hosts.includes(host))
  return one.port !== 0 && one.port === other.port && meet
}

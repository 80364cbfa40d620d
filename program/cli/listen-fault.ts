// Why an address cannot be listened on, in words. By itself: a start needs it, and nothing of what `check` loads.

import { describeError } from '../../src/error-description.ts'

/** Why an address cannot be listened on, by the system's code; undefined for one that is none of these. */
export function describeListenFault(error: unknown): string | undefined {
  const { code } = describeError(error)
  return listenFaults[code ?? '']
}

/** Why a socket cannot be made where something is already. */
export function describeSocketFault(found: 'served' | 'other'): string {
  return found === 'served' ? 'the socket is in use' : 'something is there that is no socket'
}

const listenFaults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'the address is none of this machine',
  EACCES: 'this user may not listen on the port',
  ENOTFOUND: 'the host has no address',
  EAI_AGAIN: 'the host has no address',
  EINVAL: 'the address cannot be listened on',
}

const OF_THE_HOST = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'])

/** Which member of a listener it is about: its host, or its port. */
export function findListenMember(error: unknown): 'host' | 'port' {
  return OF_THE_HOST.has(describeError(error).code ?? '') ? 'host' : 'port'
}

// Connecting to whichever address of a name answers first (RFC 8305): the next one is tried when one fails, or
// is silent for a moment, and those before go on. Node gives each of them up after that moment instead, so that a
// line on which a handshake takes longer, or loses its first packet, reaches no name with several addresses.

import type { LookupAddress } from 'node:dns'
import { connect, type Socket } from 'node:net'

/** Gives the addresses to try, and calls back once. */
export type FindAddresses = (
  found: (error: Error | null, addresses?: readonly LookupAddress[]) => void,
) => void

/** Begins a connection to an address. */
export type OpenSocket = (address: LookupAddress, port: number) => Socket

export interface RaceOptions {
  /** For finding the addresses and for all of them together. */
  timeoutMs: number
  /** Node's unless told. */
  open?: OpenSocket
  /** How long one address is waited for until the next is tried as well; 250 ms unless told. */
  headStartMs?: number
}

export type RaceCallback = (...outcome: [error: Error, socket: null] | [null, Socket]) => void

/** Errors that say that this machine has no such network, and nothing of the other side. */
const NO_NETWORK = ['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']

/**
 * Calls back once: with the first connection, or with the error that tells most when none can be made; its code
 * is `ETIMEDOUT` when the time is over. All others are closed.
 */
export function race(
  find: FindAddresses,
  port: number,
  { timeoutMs, open = openSocket, headStartMs = 250 }: RaceOptions,
  done: RaceCallback,
): void {
  let waiting: LookupAddress[] = []
  const running = new Set<Socket>()
  const errors: Error[] = []
  let isOver = false
  let next: NodeJS.Timeout | undefined
  const deadline = setTimeout(() => finish(late(), null), timeoutMs)
  try {
    find((error, addresses = []) => {
      if (isOver) return
      if (error !== null || addresses.length === 0) return finish(error ?? late(), null)
      waiting = alternate(addresses)
      start()
    })
  } catch (error) {
    finish(error as Error, null)
  }

  function start(): void {
    clearTimeout(next)
    const address = waiting.shift()
    if (address === undefined) return
    if (waiting.length > 0) next = setTimeout(start, headStartMs)
    const socket = open(address, port)
    running.add(socket)
    socket.once('connect', () => finish(null, socket))
    // Also of those that lose, and of the winner until somebody else listens.
    socket.on('error', error => fail(socket, error))
  }

  function fail(socket: Socket, error: Error): void {
    if (!running.delete(socket)) return
    errors.push(error)
    if (waiting.length > 0) start()
    else if (running.size === 0) finish(chooseError(errors), null)
  }

  function finish(...outcome: Parameters<RaceCallback>): void {
    if (isOver) return
    isOver = true
    clearTimeout(deadline)
    clearTimeout(next)
    const [, winner] = outcome
    const all = [...running]
    running.clear()
    for (const socket of all) {
      if (socket !== winner) socket.destroy()
    }
    done(...outcome)
  }
}

/** The two families in turn, beginning with that of the first: where one leads nowhere, the other is tried soon. */
function alternate(addresses: readonly LookupAddress[]): LookupAddress[] {
  const preferred = addresses.filter(({ family }) => family === addresses[0]?.family)
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family)
  const longer = Math.max(preferred.length, others.length)
  return Array.from({ length: longer }, (_, at) => [preferred[at] ?? [], others[at] ?? []]).flat(2)
}

function chooseError(errors: readonly Error[]): Error {
  const telling = errors.find(
    error => !NO_NETWORK.includes((error as { code?: string }).code ?? ''),
  )
  return telling ?? errors[0] ?? late()
}

function late(): Error {
  return Object.assign(new Error('no connection in time'), {
    code: 'ETIMEDOUT',
    syscall: 'connect',
  })
}

function openSocket({ address, family }: LookupAddress, port: number): Socket {
  return connect({
    ...{ host: address, family, port, highWaterMark: 64 * 1024 },
    ...{ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
  })
}

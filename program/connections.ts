// Who may hold a connection to the server: so many in all, and so many for each address, so that no
// one caller has them all. The proxies in front speak for everybody and have no limit of their own
// (attacks DS1).

import type { Server, Socket } from 'node:net'
import { isIP } from 'node:net'
import type { ConnectionLimits } from '../src/limits.ts'
import { blockList, groupAddress } from '../src/network/address.ts'

/** The part of an HTTP server that is needed here. */
export interface ConnectionServer extends Server {
  closeIdleConnections(): void
}

const RELIEF_MS = 1_000

/**
 * Holds a server to its limits: connections beyond them are dropped at once, before TLS and HTTP. When
 * there are too many in all, those that wait between two requests are closed, at most once a second. The
 * returned function takes other limits and proxies for the connections to come.
 */
export function limitConnections(
  server: ConnectionServer,
  limits: Pick<ConnectionLimits, 'all' | 'perAddress'>,
  trustedProxies: readonly string[],
): (
  limits: Pick<ConnectionLimits, 'all' | 'perAddress'>,
  trustedProxies: readonly string[],
) => void {
  let { perAddress } = limits
  let proxies = blockList(trustedProxies)
  const held = new Map<string, number>()
  let relievedAt = Number.NEGATIVE_INFINITY

  server.maxConnections = limits.all
  // Else several processes that are all full would pass a connection round for ever.
  Object.assign(server, { dropMaxConnection: true })
  server.on('drop', relieve)
  server.prependListener('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket
    if (isProxy(remoteAddress)) return
    const address = groupAddress(remoteAddress)
    const count = held.get(address) ?? 0
    if (count >= perAddress) {
      socket.destroy()
      return
    }
    held.set(address, count + 1)
    socket.once('close', () => release(address))
  })

  return (next, nextProxies) => {
    server.maxConnections = next.all
    perAddress = next.perAddress
    proxies = blockList(nextProxies)
  }

  function isProxy(address: string): boolean {
    return isIP(address) !== 0 && proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }

  function release(address: string): void {
    const count = held.get(address) ?? 0
    if (count > 1) held.set(address, count - 1)
    else held.delete(address)
  }

  function relieve(): void {
    const now = performance.now()
    if (now - relievedAt < RELIEF_MS) return
    relievedAt = now
    server.closeIdleConnections()
  }
}

// How every connection to an EHR is made, protocol calls and FHIR traffic alike: the address that was
// judged is the one connected to, TLS 1.2 or later is verified whatever the environment says, and
// private CA, client certificate and outbound proxy are the registration's own. HTTP/1.1 without
// pipelining: no answer can belong to another request.

import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { Agent, buildConnector, Pool } from 'undici'
import { isLoopbackHost } from '../smart/issuer.ts'
import type { NetworkPolicy, Registration } from '../smart/types.ts'
import { allows, bareHost, isReachable, type Reach } from './address.ts'
import { watchConnection } from './connection.ts'
import { classifyName } from './local-names.ts'
import { type ResolveName, resolveBySystem } from './names.ts'
import { type FindAddresses, type RaceCallback, race } from './race.ts'
import { createTunnels } from './tunnel.ts'

/** What decides how one EHR is connected to. */
export type Peer = Pick<Registration, 'iss' | 'network'>

export interface ConnectOptions {
  /** For TCP, TLS and tunnel each; 5 s unless told. */
  connectTimeoutMs?: number
  resolveName?: ResolveName
}

export type PoolOptions = ConnectOptions & {
  /** A new connection for each request, closed after it. */
  alwaysFresh?: boolean
} & Pick<
    Pool.Options,
    'connections' | 'headersTimeout' | 'bodyTimeout' | 'keepAliveTimeout' | 'keepAliveMaxTimeout'
  >

/** Heads of real EHRs are met of 20 KB: cookies, policies, traces of gateways. */
const MAX_HEADER_BYTES = 64 * 1024

/** A connection refused because of where it would have gone. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED'

  constructor() {
    super('address refused')
    this.name = 'AddressRefused'
  }
}

/** A pool of guarded connections to one origin of an EHR, for its FHIR traffic. */
export function createPool(origin: string, peer: Peer, options: PoolOptions = {}): Pool {
  return new Pool(origin, buildOptions(peer, options))
}

/** Guarded connections to several origins of an EHR, for protocol calls. */
export function createAgent(peer: Peer, options: PoolOptions = {}): Agent {
  return new Agent(buildOptions(peer, options))
}

/**
 * Where the connections for a registration may go: global unicast addresses; private ones with
 * `network: private`; this machine only when the registered FHIR base itself lies on it.
 */
export function reachOf({ iss, network }: Peer): Reach {
  return {
    private: network.reach === 'private',
    loopback: isLoopbackHost(new URL(iss).hostname),
  }
}

function buildOptions(peer: Peer, options: PoolOptions) {
  const { connectTimeoutMs, resolveName, alwaysFresh, ...limits } = options
  return {
    ...limits,
    connect: createConnector(peer, { connectTimeoutMs, resolveName }),
    allowH2: false,
    // Zero is undici's word for connections that serve one request.
    pipelining: alwaysFresh ? 0 : 1,
    maxHeaderSize: MAX_HEADER_BYTES,
  }
}

function createConnector(
  peer: Peer,
  { connectTimeoutMs = 5000, resolveName = resolveBySystem }: ConnectOptions,
): buildConnector.connector {
  const reach = reachOf(peer)
  const { proxy } = peer.network
  const openTunnel =
    proxy === undefined ? undefined : createTunnels(proxy, connectTimeoutMs, resolveName)
  const secure = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    secureContext: buildSecureContext(peer.network),
    rejectUnauthorized: true,
  })
  const resolve = guardNames(reach, resolveName)
  return (target, report) => {
    const done: buildConnector.Callback = (...[error, socket]) =>
      error === null ? report(null, watchConnection(socket)) : report(error, null)
    const host = bareHost(target.hostname)
    const family = isIP(host)
    const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80)
    if (family !== 0 && !isReachable(host, reach)) return done(new AddressRefused(), null)
    if (openTunnel === undefined) {
      const find: FindAddresses = found => resolve(host, found)
      return race(find, port, { timeoutMs: connectTimeoutMs }, takeSocket)
    }
    // The proxy resolves names where we cannot see it.
    if (family === 0 && !allows(reach, classifyName(host, hostname()))) {
      return done(new AddressRefused(), null)
    }
    openTunnel(`${family === 6 ? `[${host}]` : host}:${port}`, takeSocket)

    function takeSocket(...[error, socket]: Parameters<RaceCallback>): void {
      if (error !== null) {
        done(error, null)
      } else if (target.protocol !== 'https:') {
        done(null, socket)
      } else {
        // Nobody stands above this callback who would catch what connecting throws.
        try {
          secure({ ...target, httpSocket: socket }, done)
        } catch (fault) {
          socket.destroy()
          done(fault as Error, null)
        }
      }
    }
  }
}

/** Gives the addresses of a name only when every one of them may be connected to. */
function guardNames(reach: Reach, resolveName: ResolveName): ResolveName {
  return (host, done) => {
    const family = isIP(host)
    if (family !== 0) return done(null, [{ address: host, family }])
    resolveName(host, (error, addresses = []) => {
      if (error !== null) return done(error)
      const areAll = addresses.every(({ address }) => isReachable(address, reach))
      if (addresses.length === 0 || !areAll) return done(new AddressRefused())
      done(null, addresses)
    })
  }
}

/** A private CA is trusted besides the public ones: an EHR's login may lie with a cloud provider. */
function buildSecureContext({ ca, clientCertificate }: NetworkPolicy): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    ...clientCertificate,
  })
}

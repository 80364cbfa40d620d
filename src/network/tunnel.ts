// A tunnel through an outbound HTTP proxy (CONNECT, RFC 9110 9.3.6), for hospitals where nothing
// leaves the network directly. The proxy is the operator's own, so its address is not judged.

import * as http from 'node:http'
import * as https from 'node:https'
import { isIP, type Socket } from 'node:net'
import * as tls from 'node:tls'
import { bareHost } from './address.ts'
import type { ResolveName } from './names.ts'
import { type FindAddresses, race } from './race.ts'

/**
 * Opens a connection to `target` (host:port), and calls back once: with the socket, or with an error of
 * the code `PROXY_REFUSED`, `ETIMEDOUT`, or the socket's own.
 */
export type OpenTunnel = (target: string, done: TunnelCallback) => void

export type TunnelCallback = (...outcome: [error: Error, socket: null] | [null, Socket]) => void

/**
 * The way through a proxy, given as its absolute URL; credentials in it become Basic. Milliseconds are for
 * the connection and the answer together. Throws on a URL that is none.
 */
export function createTunnels(
  proxyUrl: string,
  timeoutMs: number,
  resolveName: ResolveName,
): OpenTunnel {
  const { protocol, hostname, port, username, password } = new URL(proxyUrl)
  if (!/^https?:$/.test(protocol)) throw new TypeError('the proxy is no http or https address')
  const isSecure = protocol === 'https:'
  const client = isSecure ? https : http
  const host = bareHost(hostname)
  const family = isIP(host)
  const authorization = buildAuthorization(username, password)
  const find: FindAddresses = found =>
    family === 0 ? resolveName(host, found) : found(null, [{ address: host, family }])
  const createConnection: http.ClientRequestArgs['createConnection'] = (_, created) => {
    race(find, Number(port) || (isSecure ? 443 : 80), { timeoutMs }, (error, socket) => {
      // Node's types ask for a socket beside the error, which is not looked at.
      if (error !== null) created(error, null as never)
      else created(null, isSecure ? secure(socket, host) : socket)
    })
    return undefined
  }
  return (target, done) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const headers = { host: target, 'user-agent': 'fhirstorm', ...authorization }
    const call = { method: 'CONNECT', path: target, headers, signal }
    const request = client.request({ host, createConnection, ...call })
    let isOver = false
    request.on('connect', (response, socket: Socket, head) => {
      // No TLS server speaks first, so bytes behind the proxy's answer are not from the target.
      const isOpen = Math.trunc((response.statusCode ?? 0) / 100) === 2
      if (isOpen && head.length === 0 && !isOver) return finish(null, socket)
      socket.on('error', () => {}).destroy()
      finish(failure('PROXY_REFUSED'), null)
    })
    request.on('response', response => {
      response.on('error', () => {}).destroy()
      finish(failure('PROXY_REFUSED'), null)
    })
    request.on('error', error => finish(signal.aborted ? failure('ETIMEDOUT') : error, null))
    request.end()

    function finish(...outcome: Parameters<TunnelCallback>): void {
      if (isOver) return
      isOver = true
      done(...outcome)
    }
  }
}

/** The name to verify is the proxy's: Node would take that of the Host header, which is the target's. */
function secure(socket: Socket, host: string): Socket {
  const servername = isIP(host) === 0 ? host : ''
  return tls.connect({ socket, host, servername, minVersion: 'TLSv1.2', rejectUnauthorized: true })
}

function failure(code: 'PROXY_REFUSED' | 'ETIMEDOUT'): Error {
  return Object.assign(new Error('no tunnel through the proxy'), { code })
}

function buildAuthorization(username: string, password: string): Record<string, string> {
  if (username === '') return {}
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
}

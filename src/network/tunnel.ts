// A tunnel through an outbound HTTP proxy (CONNECT, RFC 9110 9.3.6), for hospitals where nothing
// leaves the network directly. The proxy is the operator's own, so its address is not judged.

import * as http from 'node:http'
import * as https from 'node:https'
import { isIP, type Socket } from 'node:net'
import { bareHost } from './address.ts'

/**
 * Opens a connection to `target` (host:port), and calls back once: with the socket, or with an error of
 * the code `PROXY_REFUSED`, `ETIMEDOUT`, or the socket's own.
 */
export type OpenTunnel = (target: string, done: TunnelCallback) => void

export type TunnelCallback = (...outcome: [error: Error, socket: null] | [null, Socket]) => void

/**
 * The way through a proxy, given as its absolute URL; credentials in it become Basic. Throws on a URL
 * that is none.
 */
export function createTunnels(proxyUrl: string, timeoutMs: number): OpenTunnel {
  const { protocol, hostname, port, username, password } = new URL(proxyUrl)
  if (!/^https?:$/.test(protocol)) throw new TypeError('the proxy is no http or https address')
  const client = protocol === 'https:' ? https : http
  const address = { host: bareHost(hostname), port: port || (client === https ? 443 : 80) }
  // Node would take the name to verify from the Host header, which names the target.
  const servername = isIP(address.host) === 0 ? address.host : ''
  const security = { servername, minVersion: 'TLSv1.2' as const, rejectUnauthorized: true }
  const authorization = buildAuthorization(username, password)
  return (target, done) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const headers = { host: target, 'user-agent': 'fhirstorm', ...authorization }
    const call = { method: 'CONNECT', path: target, headers, signal, agent: false }
    const request = client.request({ ...address, ...security, ...call })
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

function failure(code: 'PROXY_REFUSED' | 'ETIMEDOUT'): Error {
  return Object.assign(new Error('no tunnel through the proxy'), { code })
}

function buildAuthorization(username: string, password: string): Record<string, string> {
  if (username === '') return {}
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
}

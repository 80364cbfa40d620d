// A tunnel through an outbound HTTP proxy (CONNECT, RFC 9110 9.3.6), for hospitals where nothing
// leaves the network directly. The proxy is the operator's own, so its address is not judged.

import * as http from 'node:http'
import * as https from 'node:https'
import type { Socket } from 'node:net'
import { bareHost } from './address.ts'

/**
 * Opens a connection to `target` (host:port). Rejects with the code `PROXY_REFUSED`, `ETIMEDOUT`, or
 * the socket's own.
 */
export type OpenTunnel = (target: string) => Promise<Socket>

/**
 * The way through a proxy, given as its absolute URL; credentials in it become Basic. Throws on a URL
 * that is none.
 */
export function createTunnels(proxyUrl: string, timeoutMs: number): OpenTunnel {
  const { protocol, hostname, port, username, password } = new URL(proxyUrl)
  if (!/^https?:$/.test(protocol)) throw new TypeError('the proxy is no http or https address')
  const client = protocol === 'https:' ? https : http
  const address = { host: bareHost(hostname), port: port || (client === https ? 443 : 80) }
  const authorization = buildAuthorization(username, password)
  return target => {
    const { promise, resolve, reject } = Promise.withResolvers<Socket>()
    const signal = AbortSignal.timeout(timeoutMs)
    const headers = { host: target, ...authorization }
    const call = { ...address, method: 'CONNECT', path: target, headers, signal, agent: false }
    const request = client.request(call)
    request.once('connect', (response, socket: Socket, head) => {
      // No TLS server speaks first, so bytes behind the proxy's answer are not from the target.
      if (response.statusCode === 200 && head.length === 0) return resolve(socket)
      socket.destroy()
      reject(failure('PROXY_REFUSED'))
    })
    request.once('response', response => {
      response.destroy()
      reject(failure('PROXY_REFUSED'))
    })
    request.once('error', error => {
      reject(signal.aborted ? failure('ETIMEDOUT') : error)
    })
    request.end()
    return promise
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

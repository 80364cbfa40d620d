// A tunnel through an outbound HTTP proxy (CONNECT, RFC 9110 9.3.6), for hospitals where nothing
// leaves the network directly. The proxy is the operator's own, so its address is not judged.

import * as http from 'node:http'
import * as https from 'node:https'
import type { Socket } from 'node:net'

/**
 * Asks the proxy for a connection to `target` (host:port) within `timeoutMs`. Credentials in the
 * proxy's URL become Basic. Rejects when the proxy is away or answers anything but 200.
 */
export function openTunnel(proxy: URL, target: string, timeoutMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const signal = AbortSignal.timeout(timeoutMs)
  const request = (proxy.protocol === 'https:' ? https : http).request({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...proxyAuthorization(proxy) },
    signal,
    agent: false,
  })
  request.once('connect', (response, socket: Socket, head) => {
    // No TLS server speaks first, so bytes behind the proxy's answer are not from the target.
    if (response.statusCode === 200 && head.length === 0) return resolve(socket)
    socket.destroy()
    reject(new Error('the proxy refused the tunnel'))
  })
  request.once('response', response => {
    response.destroy()
    reject(new Error('the proxy refused the tunnel'))
  })
  request.once('error', error => {
    const late = Object.assign(new Error('the proxy took too long'), { code: 'ETIMEDOUT' })
    reject(signal.aborted ? late : error)
  })
  request.end()
  return promise
}

function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {}
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
}

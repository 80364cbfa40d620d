// Connections that break at every stage: while they are made, in the tunnel's request and after its
// answer, within and after the TLS handshake, before and within an answer. Each is an error with a code of
// the one call that it broke; nothing is thrown where nobody catches it, and the next call is served.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import tls from 'node:tls'
import { createPool, type Peer } from '../../src/network/connect.ts'
import { createEgress } from '../../src/network/egress.ts'
import { useStrays } from '../world/strays.ts'
import { createAuthority } from './certificates.ts'
import { listen, listenRaw } from './listen.ts'

const authority = createAuthority()
const certificate = authority.issue('DNS:ehr.test,IP:127.0.0.1')
const OPENING_MS = 3_000
const TUNNEL = 'HTTP/1.1 200 Connection established\r\n\r\n'
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n'

const strays = useStrays()

/** Ends a connection with a reset, or in order. */
type Break = (socket: Socket) => void
const breaks: Break[] = [socket => socket.resetAndDestroy(), socket => socket.end()]

/** How a server on raw TCP treats a connection, until it works. */
type Stage = (socket: Socket, cut: Break) => void

const plainStages: Record<string, Stage> = {
  'at once': (socket, cut) => cut(socket),
  'after the request': (socket, cut) => socket.once('data', () => cut(socket)),
  'within the head': (socket, cut) => writeAndCut(socket, 'HTTP/1.1 200 O', cut),
  'after the head': (socket, cut) => writeAndCut(socket, ANSWER, cut),
  'within the body': (socket, cut) => writeAndCut(socket, `${ANSWER}bo`, cut),
}

const tunnelStages: Record<string, Stage> = {
  'at once': (socket, cut) => cut(socket),
  'after the question': (socket, cut) => socket.once('data', () => cut(socket)),
  'within the answer': (socket, cut) => writeAndCut(socket, TUNNEL.slice(0, 20), cut),
  'after the answer': (socket, cut) => writeAndCut(socket, TUNNEL, cut),
  'after a refusal': (socket, cut) => writeAndCut(socket, 'HTTP/1.1 407 No\r\n\r\n', cut),
  'with too much': (socket, cut) => writeAndCut(socket, `${TUNNEL}x`, cut),
}

function writeAndCut(socket: Socket, text: string, cut: Break): void {
  socket.once('data', () => socket.write(text, () => cut(socket)))
}

/** Passes bytes to a port, and cuts after so many of the server's. */
function passUntil(socket: Socket, port: number, bytes: number, cut: Break): void {
  const far = connect(port, '127.0.0.1')
  let passed = 0
  socket.on('data', chunk => far.write(chunk)).on('close', () => far.destroy())
  far.on('error', () => socket.destroy()).on('close', () => socket.destroy())
  far.on('data', chunk => {
    if (socket.destroyed) return
    const rest = bytes - passed
    passed += chunk.length
    if (chunk.length < rest) socket.write(chunk)
    else socket.write(chunk.subarray(0, rest), () => cut(socket))
  })
}

/** Two calls, FHIR's and the protocol's, that must fail with a code; then both again, which are served. */
async function assertBroken(t: TestContext, origin: string, network: object, mend: () => void) {
  const peer: Peer = { iss: `${origin}/fhir`, network: { reach: 'public', ...network } }
  const pool = createPool(origin, peer, { connectTimeoutMs: 20_000 })
  const egress = createEgress({ ...peer, id: 'ehr', origins: [origin] }, { timeoutMs: 20_000 })
  t.after(async () => {
    await pool.destroy()
    await egress.close()
  })
  const read = async () => {
    const { body } = await pool.request({ path: '/', method: 'GET' })
    return await body.text()
  }
  const ask = async () => await (await egress.fetch(`${origin}/`)).text()
  for (const call of [read, ask]) {
    await assert.rejects(call(), error => typeof (error as { code?: unknown }).code === 'string')
  }
  mend()
  assert.deepEqual([await read(), await ask()], ['good', 'good'])
  // What is thrown outside of every promise comes a turn later at most.
  await nextTurn()
  assert.deepEqual(strays, [])
}

for (const [name, stage] of Object.entries(plainStages)) {
  test(`[PS3, DS9] a connection that breaks ${name} breaks one call`, async t => {
    for (const cut of breaks) {
      let isMended = false
      const server = await listenRaw(t, socket => {
        if (isMended) socket.on('data', () => socket.write(`${ANSWER}good`))
        else stage(socket, cut)
      })
      await assertBroken(t, server.origin, {}, () => {
        isMended = true
      })
    }
  })
}

for (const [name, stage] of Object.entries(tunnelStages)) {
  test(`[PS3, DS9] a tunnel that breaks ${name} breaks one call`, async t => {
    const { port } = await listen(t, (_, response) => response.end('good'), certificate)
    for (const cut of breaks) {
      let isMended = false
      const proxy = await listenRaw(t, socket => {
        if (!isMended) return stage(socket, cut)
        socket.once('data', () => {
          socket.write(TUNNEL)
          passUntil(socket, port, Number.POSITIVE_INFINITY, cut)
        })
      })
      const network = { ca: authority.ca, proxy: proxy.origin }
      await assertBroken(t, 'https://ehr.test', network, () => {
        isMended = true
      })
    }
  })
}

// Of a handshake that is a little longer than 1,000 bytes, and of the answer after it.
for (const bytes of [0, 1, 5, 100, 700]) {
  test(`[PS3, DS9] TLS that breaks after ${bytes} bytes of the server breaks one call`, async t => {
    const { port } = await listen(t, (_, response) => response.end('good'), certificate)
    for (const way of ['direct', 'through a tunnel']) {
      for (const cut of breaks) {
        let isMended = false
        const server = await listenRaw(t, socket => {
          const pass = () => passUntil(socket, port, isMended ? Infinity : bytes, cut)
          if (way === 'direct') return pass()
          socket.once('data', () => {
            socket.write(TUNNEL)
            pass()
          })
        })
        const origin =
          way === 'direct' ? server.origin.replace('http:', 'https:') : 'https://ehr.test'
        const network = way === 'direct' ? {} : { proxy: server.origin }
        await assertBroken(t, origin, { ca: authority.ca, ...network }, () => {
          isMended = true
        })
      }
    }
  })
}

test('[PS3] what TLS throws before it has begun is an error of the call, also behind a tunnel', async t => {
  const proxy = await listenRaw(t, socket => socket.once('data', () => socket.write(TUNNEL)))
  t.mock.method(tls, 'connect', () => {
    throw Object.assign(new TypeError('a mistake'), { code: 'MISTAKE' })
  })
  const origin = proxy.origin.replace('http:', 'https:')
  for (const network of [{}, { proxy: proxy.origin }]) {
    const peer: Peer = { iss: `${origin}/fhir`, network: { reach: 'public', ...network } }
    const pool = createPool(origin, peer)
    t.after(() => pool.destroy())
    await assert.rejects(pool.request({ path: '/', method: 'GET' }), { code: 'MISTAKE' })
  }
  await nextTurn()
  assert.deepEqual(strays, [])
})

test('[PS1, PS3] a proxy whose name does not resolve is told by its code', async t => {
  const network = { reach: 'public', proxy: 'http://proxy.invalid:3128' } as const
  const pool = createPool('https://ehr.test', { iss: 'https://ehr.test/fhir', network })
  t.after(() => pool.destroy())
  await assert.rejects(pool.request({ path: '/', method: 'GET' }), error =>
    /^(ENOTFOUND|EAI_AGAIN)$/.test((error as { code: string }).code),
  )
  await nextTurn()
  assert.deepEqual(strays, [])
})

test('an answer through a tunnel goes on when the time to open it is over', async t => {
  const answer = (response: ServerResponse) => {
    response.write('go')
    setTimeout(() => response.end('od'), OPENING_MS + 200)
  }
  const { port } = await listen(t, (_, response) => answer(response), certificate)
  const proxy = await listenRaw(t, socket => {
    socket.once('data', () => {
      socket.write(TUNNEL)
      passUntil(socket, port, Number.POSITIVE_INFINITY, () => {})
    })
  })
  const network = { reach: 'public', ca: authority.ca, proxy: proxy.origin } as const
  const peer: Peer = { iss: 'https://ehr.test/fhir', network }
  const pool = createPool('https://ehr.test', peer, { connectTimeoutMs: OPENING_MS })
  t.after(() => pool.destroy())
  const { body } = await pool.request({ path: '/', method: 'GET' })
  assert.equal(await body.text(), 'good')
})

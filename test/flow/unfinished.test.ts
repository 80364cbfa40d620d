// Requests that never become whole, at the product itself: every route that is not FHIR's answers them
// in a short time, however many there are, and goes on for everybody else.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { connectRaw } from '../network/raw.ts'
import { createBrowser } from '../world/browser.ts'
import { useStrays } from '../world/strays.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

const REQUEST_MS = 300

const strays = useStrays()

let world: World
before(async () => {
  world = await createWorld({ connections: { requestMs: REQUEST_MS, perAddress: 60 } })
})
after(() => world.close())

const routes = ['/logout', '/backchannel-logout', '/sessions', '/login', '/nowhere', '/healthz']

test('[P18, DS1, DS12] half-sent requests are refused with 408 in a short time, on every route', async () => {
  const port = Number(new URL(world.app).port)
  const clients = await Promise.all(
    Array.from({ length: 48 }, async (_, i) => {
      const path = routes[i % routes.length]
      const type = i % 2 ? 'application/x-www-form-urlencoded' : 'application/json'
      const client = await connectRaw(port, 'localhost')
      client.send(
        `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nX-CSRF: 1\r\nContent-Type: ${type}\r\nContent-Length: 50\r\n\r\na`,
      )
      return { client, path, type }
    }),
  )
  const browser = createBrowser()
  const session = await logIn(world, browser, 'amy-shaw')
  assert.equal((await browser.fetch(`${session.fhirBaseUrl}/Patient`)).status, 200)
  for (const { client, path, type } of clients) {
    const got = await client.closed()
    assert.match(got, /^HTTP\/1\.1 4\d\d [\s\S]*connection: close/i, `${path} ${type}`)
    if (path === '/logout' && type.endsWith('json'))
      assert.match(got, / 408 [\s\S]*"request_timeout"/)
    if (path === '/backchannel-logout' && type.endsWith('form-urlencoded')) {
      assert.match(got, / 408 [\s\S]*"request_timeout"/)
    }
  }
  assert.ok(clients.length === 48)
})

test('[PS2, G9] a client that leaves with its request is no mistake of ours', async () => {
  const port = Number(new URL(world.app).port)
  for (let i = 0; i < 100; i++) {
    const client = await connectRaw(port, 'localhost')
    const path = routes[i % routes.length]
    client.send(`GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nCookie: a=${i}\r\n\r\n`)
    client.socket.resetAndDestroy()
  }
  assert.equal((await fetch(`${world.app}/healthz`)).status, 200)
  assert.ok(!world.log.join('').includes('"internal"'))
})

const endings: [name: string, end: (socket: Socket) => unknown][] = [
  ['no more', () => {}],
  ['a reset', socket => socket.resetAndDestroy()],
  ['an end', socket => socket.end()],
  ['nonsense', socket => socket.write('zz\r\n')],
]

test('[PS2, DS9] whatever follows a body that was refused before its end is heard by nobody', async () => {
  const port = Number(new URL(world.app).port)
  const piece = `${(80_000).toString(16)}\r\n${'a'.repeat(80_000)}\r\n`
  for (const [name, end] of endings) {
    for (const path of routes) {
      for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain']) {
        const client = await connectRaw(port, 'localhost')
        client.send(
          `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nX-CSRF: 1\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n${piece}`,
        )
        await client.until(/^HTTP\/1\.1 4\d\d /)
        end(client.socket)
        if (name === 'a reset') client.socket.destroy()
      }
    }
  }
  await new Promise(done => setTimeout(done, 2 * REQUEST_MS))
  assert.equal((await fetch(`${world.app}/healthz`)).status, 200)
  assert.deepEqual(strays, [])
})

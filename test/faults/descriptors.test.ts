// A process that may open no more files: who was let in is served, nobody else is, and it goes on when
// connections have ended.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { eventually } from '../world/eventually.ts'
import { startProcessWorld } from '../world/process-world.ts'

/** Enough to start, with room for a few dozen connections. */
const MAX_FILES = 64
const CONNECTIONS = 200

test('[PS6, DS1] a process without descriptors lives on, and serves again when there are some', async t => {
  const through = ['sh', '-c', 'ulimit -n "$0" && exec "$@"', `${MAX_FILES}`]
  const { app, sandbox, broker, close } = await startProcessWorld({ through })
  t.after(close)
  const port = Number(new URL(app).port)
  const pid = broker.pid()
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
  for (let round = 0; round < 3; round++) {
    const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, 'localhost'))
    for (const socket of sockets) socket.on('error', () => {})
    await Promise.all(sockets.map(socket => once(socket, 'connect').catch(() => undefined)))
    // What is refused meanwhile is refused for itself: in words, or by a connection that closes.
    await browser.fetch(`${fhirBaseUrl}/Patient`).catch(() => undefined)
    for (const socket of sockets) socket.destroy()
    const isServed = async () =>
      (await browser.fetch(`${fhirBaseUrl}/Patient`).catch(() => undefined))?.status === 200
    assert.ok(await eventually(isServed))
  }
  assert.equal(broker.pid(), pid)
  assert.equal(await broker.stop(), 0)
})

// The HTTP server at its end: what is under way comes to its end, what has none is cut in time, and no
// connection that is kept alive holds the process.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { pino } from 'pino'
import { createServer } from '../../program/server.ts'

async function start(drainMs?: number) {
  const app = createServer({ logger: pino({ level: 'silent' }), trustedProxies: [], drainMs })
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  app.get('/late', async () => {
    resolve()
    await new Promise(done => setTimeout(done, 200))
    return 'done'
  })
  app.get('/endless', (_request, reply) => {
    reply.hijack()
    reply.raw.write('more')
    resolve()
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const agent = new Agent({ keepAlive: true })
  const { port } = app.server.address() as AddressInfo
  return { app, asked, agent, url: `http://127.0.0.1:${port}` }
}

test('[DS8] an answer under way is finished, and its connection with it', async t => {
  const { app, asked, agent, url } = await start()
  t.after(() => agent.destroy())
  const answering = once(get(`${url}/late`, { agent }), 'response')
  await asked
  const closed = app.close()
  const [answer] = (await answering) as [IncomingMessage]
  assert.equal(answer.statusCode, 200)
  answer.resume()
  await closed
})

test('[PS7, P4] the parser is strict, whatever Node was told at its start', () => {
  const program = `
    const { createServer } = await import('./program/server.ts')
    const { pino } = await import('pino')
    const { exchangeRaw } = await import('./test/network/raw.ts')
    const app = createServer({ logger: pino({ level: 'silent' }), trustedProxies: [] })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const head = 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nX: \\x01\\r\\nConnection: close\\r\\n\\r\\n'
    process.stdout.write(await exchangeRaw(app.server.address().port, head))
    await app.close()`
  const options = ['--insecure-http-parser', '--input-type=module', '--eval', program]
  const { stdout } = spawnSync(process.execPath, options, { encoding: 'utf8', timeout: 120_000 })
  assert.match(stdout, /^HTTP\/1\.1 400 /)
})

test('[DS8] an answer without an end is cut when the time for draining is up', async t => {
  const { app, asked, agent, url } = await start(50)
  t.after(() => agent.destroy())
  const [answer] = (await once(get(`${url}/endless`, { agent }), 'response')) as [IncomingMessage]
  answer.resume().on('error', () => {})
  await asked
  const cut = new Promise(done => answer.once('close', done))
  await app.close()
  await cut
  assert.equal(answer.complete, false)
})

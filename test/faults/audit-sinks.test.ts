// The product with each of its audit sinks, as real processes: a FHIR server that is there and one that is away
// over a kill -9, standard output that is read and one that is not, two instances on one path, a broken file.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { respond, startStandIn } from '../audit/fhir-stand-in.ts'
import { type Json, requestIdOf } from '../audit/held-sink.ts'
import { logIn } from '../flow/login.ts'
import { createBroker, makeFolder } from '../world/broker.ts'
import { createBrowser } from '../world/browser.ts'
import { eventually } from '../world/eventually.ts'
import { findPort } from '../world/port.ts'

const main = new URL('../../program/main.ts', import.meta.url).pathname

async function prepare(t: TestContext, audit: object, processes = 1) {
  const app = `http://localhost:${await findPort()}`
  const [adminPort, folder] = [await findPort(), makeFolder()]
  const sandbox = await startSandbox({ port: 0, appUrl: app })
  t.after(() => sandbox.close())
  const make = (port?: number) => {
    const broker = createBroker({
      ...{ app, sandbox: sandbox.url, folder, port },
      configure(document) {
        document.log = { level: 'info' }
        if (port === undefined) document.admin = { port: adminPort }
        document.processes = processes
        document.audit = { path: join(folder, 'audit.ndjson'), ...audit } as never
      },
    })
    t.after(() => broker.close())
    return broker
  }
  const browser = createBrowser()
  /** The request ids of a login and so many reads. */
  async function work(reads: number): Promise<string[]> {
    const { fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
    const ids: string[] = []
    for (let i = 0; i < reads; i++) {
      const { status, headers } = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
      assert.equal(status, 200)
      ids.push(headers.get('x-request-id') ?? '')
    }
    return ids
  }
  const scrape = async () => await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
  const verify = (...args: string[]) =>
    spawnSync(
      process.execPath,
      [...[main, 'audit', 'verify', join(folder, 'audit.ndjson')], ...args],
      { encoding: 'utf8' },
    )
  return { app, folder, make, work, scrape, verify, broker: make() }
}

test('[AU4, AU5] what is acknowledged reaches a FHIR server that was away, over a kill -9 and a reload', async t => {
  const server = await startStandIn(t)
  let isAway = true
  server.behave((_entries, _request, response) => (isAway ? respond(response, 503, '') : undefined))
  const audit = { sink: 'fhir', url: server.url, failClosed: true }
  const { broker, work, scrape, verify, folder } = await prepare(t, audit)
  await broker.start()
  const ids = await work(5)
  assert.match(await scrape(), /^fhirstorm_audit_queue_bytes [1-9]\d{3,}$/m)
  assert.ok(
    await eventually(async () => /outcome="failed"\} [1-9]/.test(await scrape())),
    await scrape(),
  )
  await broker.kill()
  await broker.start()
  ids.push(...(await work(5)))
  isAway = false
  const arrived = () => new Set([...server.taken.values()].map(event => requestIdOf(event as Json)))
  assert.ok(await eventually(() => ids.every(id => arrived().has(id))))
  assert.ok([...server.taken.keys()].every(name => /^[0-9a-f]{64}$/.test(name)))
  process.kill(broker.pid(), 'SIGHUP')
  assert.ok(await eventually(() => broker.output.join('').includes('"msg":"reloaded"')))
  ids.push(...(await work(3)))
  assert.ok(await eventually(() => ids.every(id => arrived().has(id))))
  assert.ok(await eventually(async () => /^fhirstorm_audit_queue_bytes 0$/m.test(await scrape())))
  assert.match(await scrape(), /fhirstorm_audit_deliveries_total\{outcome="delivered"\} [1-9]/)
  const log = broker.output.join('')
  assert.match(log, /audit events are not delivered/)
  assert.match(log, /audit events are delivered again/)
  assert.equal(await broker.stop(), 0)
  const told = verify('--keys', join(folder, 'keys.json'))
  assert.equal(told.status, 0, told.stderr)
})

test('[AU4] standard output has a line for each event, apart from those of the log', async t => {
  const { broker, work } = await prepare(t, { sink: 'stdout', path: undefined, failClosed: true })
  await broker.start()
  const ids = await work(5)
  const lines = broker.output.join('').split('\n').slice(0, -1)
  const events = lines
    .filter(line => line.startsWith('{"audit":'))
    .map(line => JSON.parse(line).audit)
  assert.ok(events.every(({ resourceType }) => resourceType === 'AuditEvent'))
  const told = new Set(events.map(requestIdOf))
  assert.deepEqual(
    ids.filter(id => !told.has(id)),
    [],
  )
  const others = lines.filter(line => !line.startsWith('{"audit":')).map(line => JSON.parse(line))
  assert.ok(others.every(line => line.level !== undefined && line.audit === undefined))
  assert.equal(await broker.stop(), 0)
})

test('[AU4, PS5] a reader of standard output that does not read holds up no request', async t => {
  const { broker, work, scrape } = await prepare(t, { sink: 'stdout', path: undefined })
  await broker.start()
  await work(1)
  broker.process().stdout?.pause()
  for (let sent = 0; sent < 2_000; sent += 50) {
    const answers = Array.from({ length: 50 }, () => fetch(`${broker.app}/healthz`))
    for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200)
  }
  await work(20)
  assert.ok(
    await eventually(async () =>
      /^fhirstorm_audit_events_total\{outcome="lost"\} [1-9]/m.test(await scrape()),
    ),
  )
  assert.equal(await broker.stop(), 0)
})

test('[AU3] two instances on one path have a chain each, and both are verified', async t => {
  const { broker, make, work, verify, folder } = await prepare(t, {
    sink: 'file',
    failClosed: true,
  })
  await broker.start()
  const second = make(await findPort())
  await second.start()
  await work(3)
  // The first one takes its place back, the second goes on.
  assert.equal(await broker.stop(), 0)
  await broker.start()
  await work(3)
  assert.equal(await broker.stop(), 0)
  assert.equal(await second.stop(), 0)
  const { ok, chains } = JSON.parse(verify('--keys', join(folder, 'keys.json'), '--json').stdout)
  assert.deepEqual(
    [ok, chains.map(({ file }: { file: string }) => file)],
    [true, ['audit.ndjson', 'audit.1.ndjson']],
  )
  assert.ok(chains[0].events >= 8)
})

test('[AU3] each of several workers has a chain, and all that was acknowledged is in them', async t => {
  const audit = { sink: 'file', failClosed: true }
  const { broker, work, verify, folder } = await prepare(t, audit, 2)
  await broker.start()
  // The first one serves before the second does.
  assert.ok(await eventually(() => existsSync(join(folder, 'audit.1.ndjson.head'))))
  const ids = await work(20)
  assert.equal(await broker.stop(), 0)
  const told = verify('--keys', join(folder, 'keys.json'), '--json')
  const { ok, chains } = JSON.parse(told.stdout)
  assert.deepEqual([ok, chains.length], [true, 2], told.stdout)
  const files = chains.map(({ file }: { file: string }) => readFileSync(join(folder, file), 'utf8'))
  const recorded = new Set(
    files
      .flatMap((text: string) => text.split('\n').filter(Boolean))
      .flatMap((line: string) => JSON.parse(line).event ?? [])
      .map(requestIdOf),
  )
  assert.deepEqual(
    ids.filter(id => !recorded.has(id)),
    [],
  )
})

test('[AU1] a start over a file that was changed is refused in one line, and changes nothing', async t => {
  const { broker, work, verify, folder } = await prepare(t, { sink: 'file' })
  await broker.start()
  await work(3)
  assert.equal(await broker.stop(), 0)
  const path = join(folder, 'audit.ndjson')
  const changed = readFileSync(path, 'utf8').replace('amy-shaw', 'ben-ortega')
  writeFileSync(path, changed)
  await assert.rejects(
    broker.start(),
    /fhirstorm: audit\.path: .*audit\.ndjson: line \d+: changed; /,
  )
  assert.equal(readFileSync(path, 'utf8'), changed)
  assert.equal(verify().status, 1)
})

// The audit sink of a process as the configuration names it: one file for each process, kill -9 of one that
// delivers, what is left behind, access to the server, standard output.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLocalJWKSet, exportJWK, generateKeyPair, type JSONWebKeySet, jwtVerify } from 'jose'
import { openAuditSink } from '../../program/audit-sink.ts'
import type { AuditConfig } from '../../program/config/audit.ts'
import { tryChain } from '../../src/audit/chain-lock.ts'
import { verifyChains } from '../../src/audit/verify.ts'
import { makeKeyRing } from '../../src/keys.ts'
import { buildPublicKeySet, parseClientKeys } from '../../src/smart/token/client-keys.ts'
import { eventually } from '../world/eventually.ts'
import { makeTestFolder } from '../world/folder.ts'
import { respond, startStandIn } from './fhir-stand-in.ts'
import { killAfter } from './killed.ts'
import { judge, ring } from './sealing.ts'

const eventOf = (name: number | string): string =>
  JSON.stringify({ resourceType: 'AuditEvent', recorded: `${name}` })

const makePath = (t: TestContext) => join(makeTestFolder(t), 'audit.ndjson')

const common = { failClosed: false, searchParameters: 'hash', rotateBytes: 100_000 } as const

function serverOf(path: string, url: string, further: object = {}): AuditConfig {
  return {
    ...{ sink: 'fhir', ...common, path, url, method: 'PUT', keep: 1, queueBytes: 10_000_000 },
    ...{ network: { reach: 'public' }, ...further },
  }
}

async function open(t: TestContext, audit: AuditConfig) {
  const told: Record<string, unknown>[] = []
  const tell = (level: string) => (members: object, msg: string) =>
    void told.push({ level, msg, ...members })
  const logger = { info: tell('info'), warn: tell('warn'), error: tell('error') } as never
  const lines: string[] = []
  const sink = await openAuditSink(
    { audit, keyRing: ring },
    { logger, append: async line => void lines.push(line) },
  )
  assert.ok(sink)
  t.after(() => sink.close())
  return { ...sink, told, lines }
}

test('[AU3] each process has a chain of its own, and takes the first that is free', async t => {
  const path = makePath(t)
  const audit: AuditConfig = { sink: 'file', ...common, path }
  const sinks = [await open(t, audit), await open(t, audit), await open(t, audit)]
  await Promise.all(sinks.map((sink, number) => sink.record(eventOf(number))))
  await sinks[1]?.close()
  const fourth = await open(t, audit)
  await fourth.record(eventOf(3))
  const chains = await verifyChains(path, { judge })
  assert.deepEqual(
    chains.map(({ file, events, fault }) => [file, events, fault]),
    [
      ['audit.ndjson', 1, undefined],
      ['audit.1.ndjson', 2, undefined],
      ['audit.2.ndjson', 1, undefined],
    ],
  )
  assert.deepEqual(
    readdirSync(join(path, '..')).filter(name => /\.3\./.test(name)),
    [],
  )
  assert.match(JSON.stringify(fourth.told), /"end":"2:[0-9a-f]{64}"/)
})

test('[AU3] the chain of a process that was killed is free again', async t => {
  const path = makePath(t)
  const url = new URL('../../src/audit/chain-lock.ts', import.meta.url).href
  const script = `import { takeChain } from '${url}'
    process.stdout.write((await takeChain(process.argv[1])).path + '\\n')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path])
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  assert.equal(await tryChain(path), undefined)
  child.kill('SIGKILL')
  await once(child, 'close')
  const taken = await tryChain(path)
  assert.equal(taken?.path, path)
  assert.equal(await tryChain(path), undefined)
  taken?.release()
})

test('[AU2] a sink that cannot be used refuses the start in one line', async t => {
  const path = makePath(t)
  const refuses = async (audit: AuditConfig, message: RegExp) => {
    const opening = openAuditSink(
      { audit, keyRing: ring },
      { logger: { info() {}, warn() {}, error() {} } as never, append: async () => {} },
    )
    await assert.rejects(opening, { name: 'AuditRefusal', message })
  }
  const file: AuditConfig = { sink: 'file', ...common, path }
  const sink = await open(t, file)
  await sink.record(eventOf(1))
  await sink.close()
  writeFileSync(path, readFileSync(path, 'utf8').replace('recorded', 'Recorded'))
  await refuses(file, /^audit\.path: .*audit\.ndjson: line 1: changed; /)
  // The refusal has given the chain back.
  const taken = await tryChain(path)
  assert.ok(taken)
  taken.release()
  const below = join(path, 'audit.ndjson')
  await refuses({ ...file, path: below }, /cannot be written \((?:ENOTDIR|EEXIST)\)$/)
  if (process.getuid?.() !== 0) {
    const closed = join(path, '..', 'closed')
    mkdirSync(closed)
    chmodSync(closed, 0o500)
    await refuses({ ...file, path: join(closed, 'audit.ndjson') }, /\(EACCES\)$/)
  }
})

test('[AU5] kill -9 of a process that delivers: whatever was recorded arrives, and once', async t => {
  const [path, server] = [makePath(t), await startStandIn(t)]
  let calls = 0
  server.behave((_entries, request, response) => {
    calls++
    if (calls % 5 === 1) return respond(response, 503, '')
    if (calls % 5 === 2) return !!request.socket.destroy()
    return undefined
  })
  const url = (file: string) => new URL(file, import.meta.url).href
  const script = `import { openAuditSink } from '${url('../../program/audit-sink.ts')}'
    const [audit, round, secret] = process.argv.slice(1)
    const key = { id: 'test', createdAt: 0, secret: Buffer.from(secret, 'hex') }
    const logger = { info() {}, warn() {}, error() {} }
    const keyRing = { keys: [key], epoch: 0, clientKeys: [] }
    const sink = await openAuditSink({ audit: JSON.parse(audit), keyRing }, { logger })
    for (let id = 0; ; id++) {
      const recorded = round + '-' + id
      await sink.record(JSON.stringify({ resourceType: 'AuditEvent', recorded }))
      process.stdout.write(recorded + '\\n')
      await new Promise(setImmediate)
    }`
  const audit = serverOf(path, server.url, { rotateBytes: 70_000 })
  const secret = ring.keys[0].secret.toString('hex')
  const acknowledged: string[] = []
  for (let round = 0; round < 8; round++) {
    const words = [JSON.stringify(audit), `r${round}`, secret]
    acknowledged.push(...(await killAfter(15 + 10 * round, script, ...words)))
  }
  server.behave(() => undefined)
  const sink = await open(t, audit)
  const names = () => [...server.taken.values()].map(one => (one as { recorded: string }).recorded)
  const missing = () => {
    const arrived = new Set(names())
    return acknowledged.filter(name => !arrived.has(name))
  }
  assert.ok(acknowledged.length > 250)
  await eventually(() => missing().length === 0)
  assert.deepEqual(missing(), [])
  assert.equal(new Set(names()).size, names().length)
  await sink.close()
  for (const { fault } of await verifyChains(path, { judge })) assert.equal(fault, undefined)
})

test('[AU5] what a process left behind is delivered by another one', async t => {
  const [path, server] = [makePath(t), await startStandIn(t)]
  let isAway = true
  server.behave((_entries, _request, response) => (isAway ? respond(response, 503, '') : undefined))
  const audit = serverOf(path, server.url)
  const [first, second] = [await open(t, audit), await open(t, audit)]
  for (let number = 0; number < 10; number++) {
    await first.record(eventOf(number))
    await second.record(eventOf(10 + number))
  }
  await Promise.all([first.close(), second.close()])
  assert.ok(existsSync(path.replace('audit.', 'audit.1.')))
  isAway = false
  const third = await open(t, audit)
  assert.ok(await eventually(() => server.taken.size === 20))
  // The server has them before its answers are here.
  let delivered = 0
  const count = () => {
    delivered += third.delivery?.takeCounts().delivered ?? 0
    return delivered === 20
  }
  assert.ok(await eventually(count), `${delivered}`)
  assert.ok(await eventually(() => third.delivery?.queueBytes() === 0))
  // And its chain is free again for a process that comes.
  assert.ok(
    await eventually(async () => {
      const taken = await tryChain(path.replace('audit.', 'audit.1.'))
      taken?.release()
      return taken !== undefined
    }),
  )
  const fourth = await open(t, audit)
  await fourth.record(eventOf(20))
  assert.ok(await eventually(() => server.taken.size === 21))
  assert.ok(!existsSync(path.replace('audit.', 'audit.2.')))
})

test('[AU4] the log tells once that delivery fails, once that it goes on, and what was refused', async t => {
  const [path, server] = [makePath(t), await startStandIn(t)]
  let status = 503
  server.behave((entries, _request, response) => {
    if (status === 503) return respond(response, 503, 'secret detail')
    return entries.map(() => status)
  })
  const sink = await open(t, serverOf(path, server.url))
  await sink.record(eventOf(1))
  assert.ok(await eventually(() => server.batches.length > 1))
  status = 201
  assert.ok(await eventually(() => server.taken.size === 1))
  status = 422
  await sink.record(eventOf(2))
  assert.ok(await eventually(() => sink.told.some(({ events }) => events === 1)))
  const counts = sink.delivery?.takeCounts()
  assert.deepEqual([counts?.delivered, counts?.refused, (counts?.failed ?? 0) > 1], [1, 1, true])
  assert.deepEqual(sink.delivery?.takeCounts(), { delivered: 0, refused: 0, failed: 0 })
  const told = sink.told.filter(({ level }) => level !== 'info')
  assert.deepEqual(
    told.map(({ level, msg }) => [level, msg]),
    [
      ['error', 'audit events are not delivered'],
      ['warn', 'audit events are delivered again'],
      ['error', 'audit events were refused by the server, and put aside'],
    ],
  )
  assert.deepEqual([told[2]?.events, told[2]?.statuses], [1, [422]])
  assert.ok(!JSON.stringify(told).includes('detail'))
})

test('[AU4] access by SMART Backend Services: one token for as long as it lasts, a new one after a 401', async t => {
  const { privateKey } = await generateKeyPair('ES384', { extractable: true })
  const keys = await parseClientKeys(
    JSON.stringify({ ...(await exportJWK(privateKey)), kid: 'one' }),
  )
  const published = createLocalJWKSet(buildPublicKeySet(keys) as JSONWebKeySet)
  let tokens = 0
  let lifetime = 3_600
  let isRefusing = true
  const jtis = new Set<string>()
  const authorization = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const form = new URLSearchParams(text)
    const tokenUrl = `http://${request.headers.host}/token`
    const proof = await jwtVerify(form.get('client_assertion') ?? '', published, {
      ...{ issuer: 'us', subject: 'us', audience: tokenUrl },
    })
    jtis.add(String(proof.payload.jti))
    assert.equal(form.get('grant_type'), 'client_credentials')
    assert.equal(form.get('scope'), 'system/AuditEvent.cu')
    if (isRefusing) respond(response, 400, { error: 'invalid_client' })
    else respond(response, 200, { access_token: `token-${++tokens}`, expires_in: lifetime })
  })
  await new Promise<void>(done => authorization.listen(0, '127.0.0.1', done))
  t.after(() => authorization.close())
  const tokenUrl = `http://127.0.0.1:${(authorization.address() as AddressInfo).port}/token`
  const [path, server] = [makePath(t), await startStandIn(t)]
  let revoked = ''
  server.behave((_entries, { headers }, response) => {
    return headers.authorization === `Bearer ${revoked}` ? respond(response, 401, '') : undefined
  })
  const client = {
    ...{ clientId: 'us', tokenUrl, scope: 'system/AuditEvent.cu' },
    auth: { method: 'private_key_jwt', keys },
  }
  const sink = await open(t, serverOf(path, server.url, { client }))
  const record = async (count: number) => {
    await sink.record(eventOf(count))
    assert.ok(await eventually(() => server.taken.size === count))
  }
  const recorded = sink.record(eventOf(1))
  assert.ok(await eventually(() => sink.told.some(({ level }) => level === 'error')))
  assert.match(JSON.stringify(sink.told), /AUDIT_TOKEN/)
  isRefusing = false
  await recorded
  assert.ok(await eventually(() => server.taken.size === 1))
  await record(2)
  assert.equal(tokens, 1)
  revoked = 'token-1'
  lifetime = 10
  await record(3)
  assert.equal(tokens, 2)
  // This one is used up before its end.
  await record(4)
  assert.equal(tokens, 3)
  assert.ok(jtis.size >= 4)
  assert.ok(!JSON.stringify(sink.told).includes('token-'))
})

test('[AU5] a reload goes on with other keys and another server, and the one before ends its answer', async t => {
  const [path, one, two] = [makePath(t), await startStandIn(t), await startStandIn(t)]
  const asked = Promise.withResolvers<() => void>()
  one.behave((entries, _request, response) => {
    const entry = entries.map(() => ({ response: { status: '201 Created' } }))
    const answer = { resourceType: 'Bundle', type: 'batch-response', entry }
    asked.resolve(() => respond(response, 200, answer))
    return true
  })
  const sink = await open(t, serverOf(path, one.url))
  await sink.record(eventOf(1))
  const answer = await asked.promise
  const next = makeKeyRing(1, randomBytes)
  const keyRing = { ...ring, keys: [...next.keys, ...ring.keys] } as typeof ring
  sink.renew({ keyRing, audit: serverOf(path, two.url, { token: 'other' }) })
  await sink.record(eventOf(2))
  answer()
  assert.ok(await eventually(() => two.taken.size > 0))
  assert.deepEqual([two.batches, sink.told.filter(({ level }) => level !== 'info')], [[1], []])
  assert.equal(two.headers[0]?.authorization, 'Bearer other')
  await sink.close()
  const seals = readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line.includes('"seal"'))
  assert.equal(new Set(seals.map(line => JSON.parse(line).seal.kid)).size, 2)
})

test('[AU4] standard output gets lines of their own kind, and rejects what it drops', async t => {
  const sink = await open(t, { sink: 'stdout', failClosed: false, searchParameters: 'hash' })
  await sink.record(eventOf(1))
  assert.deepEqual(sink.lines, [`{"audit":${eventOf(1)}}\n`])
  const dropping = await openAuditSink(
    {
      audit: { sink: 'stdout', failClosed: false, searchParameters: 'hash' },
      keyRing: ring,
    },
    { logger: {} as never, append: async () => Promise.reject(new Error('dropped')) },
  )
  await assert.rejects(Promise.resolve(dropping?.record(eventOf(2))))
})

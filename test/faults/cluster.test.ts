// The balancer of examples/cluster before two instances over Redis, as it is shipped but for the addresses:
// rolling restarts and a rotation of the keys under load.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { addKey, promoteKeys, retireKeys } from '../../src/key-rotation.ts'
import { type KeyRing, parseKeyRing, printKeyRing } from '../../src/keys.ts'
import { type LoggedIn, logIn } from '../flow/login.ts'
import { hasRedis, type RedisServer, startRedis } from '../vault/redis-server.ts'
import { type Broker, createBroker, makeFolder } from '../world/broker.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { adopt, end } from '../world/children.ts'
import { until } from '../world/eventually.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { hasPrograms } from '../world/program.ts'

const NGINX = '/usr/sbin/nginx'
const shipped = readFileSync('examples/cluster/nginx.conf', 'utf8')
const isPossible = hasPrograms({ path: NGINX, debian: 'nginx-light' }) && hasRedis()

/** The shipped server at a port of ours, before these two. */
function startBalancer(port: number, first: number, second: number) {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-balancer-'))
  const server = shipped
    .replace('first:5000', `127.0.0.1:${first}`)
    .replace('second:5000', `127.0.0.1:${second}`)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
  assert.equal(server.match(/127\.0\.0\.1/g)?.length, 3)
  mkdirSync(join(folder, 'tmp'))
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;
events { worker_connections 512; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(name => `${name}_temp_path ${folder}/tmp/${name};`)
    .join(' ')}
  ${server}
}
`,
  )
  const child = adopt(
    spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' }),
  )
  return {
    async close() {
      await end(child, 'SIGTERM')
      removeFolder(folder)
    },
  }
}

describe('two instances behind the balancer of examples/cluster', { skip: !isPossible }, () => {
  let redis: RedisServer
  let sandbox: Sandbox
  let brokers: Broker[]
  let balancer: { close(): Promise<void> }
  let folder: string
  let app: string
  let creations = 0

  before(async () => {
    const [port = 0, ...ports] = await Promise.all([findPort(), findPort(), findPort()])
    app = `http://localhost:${port}/bff`
    redis = await startRedis()
    sandbox = await startSandbox({
      ...{ port: 0, appUrl: app },
      onRequest({ method, path }) {
        if (method === 'POST' && path.endsWith('/Observation')) creations++
      },
    })
    folder = makeFolder()
    brokers = ports.map(port =>
      createBroker({
        ...{ app, sandbox: sandbox.url, folder, port },
        configure(document) {
          document.vault = { kind: 'redis', url: redis.url }
          document.trustedProxies = ['127.0.0.1']
          document.drainDelaySeconds = 1
        },
      }),
    )
    for (const broker of brokers) await broker.start()
    balancer = startBalancer(port, ports[0] as number, ports[1] as number)
    await until(() =>
      fetch(`${app}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
  })
  after(async () => {
    await balancer?.close()
    for (const broker of brokers ?? []) await broker.close()
    await sandbox?.close()
    await redis?.close()
    removeFolder(folder)
  })

  async function restartAll(): Promise<void> {
    for (const broker of brokers) {
      await broker.stop()
      await broker.start()
    }
  }

  test('[AD2] a rolling restart under load loses no read, and creates nothing twice', async () => {
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
    assert.ok(fhirBaseUrl.startsWith(app), 'the public URL has a port')
    const statuses = new Map<number, number>()
    const answers = { created: 0, unsure: 0 }
    let isOver = false
    const headers = { 'content-type': 'application/fhir+json' }
    const body = JSON.stringify({
      ...{ resourceType: 'Observation', status: 'final', code: { text: 'FHIRstorm test' } },
      subject: { reference: 'Patient/amy-shaw' },
    })
    const reader = async () => {
      while (!isOver) {
        const { status } = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        // A shared machine: as many reads as come between, and time for the restarts.
        await pause(5)
      }
    }
    const writer = async () => {
      while (!isOver) {
        const asked = { method: 'POST', headers, body }
        const { status } = await browser.fetch(`${fhirBaseUrl}/Observation`, asked)
        if (status === 201) answers.created++
        else answers.unsure++
        await pause(20)
      }
    }
    const load = Promise.all([...Array.from({ length: 6 }, reader), writer()])
    for (let round = 0; round < 2; round++) await restartAll()
    isOver = true
    await load
    assert.deepEqual([...statuses.keys()], [200])
    assert.ok((statuses.get(200) ?? 0) > 100)
    // Each was sent once: what was not acknowledged may have been done, and nothing else.
    assert.ok(answers.created <= creations && creations <= answers.created + answers.unsure)
  })

  test('[K11] keys change while both serve, and neither refuses what the other one has sealed', async () => {
    const file = join(folder, 'keys.json')
    const change = (step: (ring: KeyRing) => KeyRing) => {
      const ring = step(parseKeyRing(readFileSync(file, 'utf8')))
      writeFileSync(file, printKeyRing(ring), { mode: 0o600 })
    }
    const sessions: [Browser, LoggedIn][] = []
    const logInAndReadAll = async () => {
      for (let i = 0; i < 3; i++) {
        const browser = createBrowser()
        sessions.push([browser, await logIn({ app, sandbox }, browser, 'amy-shaw')])
      }
      for (const [browser, { fhirBaseUrl }] of sessions) {
        // Twice, and once more: the balancer takes turns.
        for (let i = 0; i < 3; i++) {
          assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
        }
      }
    }
    await logInAndReadAll()
    const steps: ((ring: KeyRing) => KeyRing)[] = [
      ring => addKey(ring, Date.now(), size => crypto.getRandomValues(Buffer.alloc(size))),
      ring => promoteKeys(ring, Date.now()),
      ring => retireKeys(ring, { now: Date.now(), keepMs: 3_600_000 }),
    ]
    for (const step of steps) {
      change(step)
      for (const broker of brokers) {
        await broker.stop()
        await broker.start()
        // One of them knows of the step, the other one does not.
        await logInAndReadAll()
      }
    }
    assert.equal(parseKeyRing(readFileSync(file, 'utf8')).keys.length, 2)
  })
})

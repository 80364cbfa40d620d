// One service of several processes in which processes die: a worker again and again under load, and the primary.
// What was acknowledged stays, and what is left goes on, or ends in order.

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import { late } from '../../sandbox/faces/answers.ts'
import type { Answer } from '../../sandbox/http/answer.ts'
import { logIn } from '../flow/login.ts'
import { hasRedis, startRedis } from '../vault/redis-server.ts'
import { createBroker } from '../world/broker.ts'
import { createBrowser } from '../world/browser.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { until } from '../world/eventually.ts'
import { ask, isAlive, isServing, listWorkers, startCrew, startLoad } from './crew.ts'

const PROCESSES = 3
const READERS = 6

type Vault = { kind: string; url?: string }

async function killWorkers(kills: number, vault?: Vault): Promise<void> {
  const crew = await startCrew({
    processes: PROCESSES,
    configure(document) {
      if (vault) document.vault = vault
    },
  })
  const { app, admin, broker, sandbox, metric } = crew
  try {
    const browser = createBrowser()
    const { id, fhirBaseUrl } = await logIn(crew, browser, 'amy-shaw')
    const urls = [`${fhirBaseUrl}/Patient/amy-shaw`, `${app}/sessions/${id}`]
    const load = startLoad(browser, urls, READERS)
    const acknowledged = [{ browser, url: urls[0] as string }]
    for (let kill = 1; kill <= kills; kill++) {
      const before = load.count()
      await until(() => load.count() > before + 20)
      const [oldest = 0] = listWorkers(broker.pid())
      process.kill(oldest, 'SIGKILL')
      // The others serve, logins too; what the dead one had in hand is tried again.
      const during = load.count()
      await until(() => load.count() > during + 20)
      const another = createBrowser()
      const login = await logIn({ app, sandbox }, another, 'ben-ortega').catch(() => undefined)
      if (login) {
        acknowledged.push({ browser: another, url: `${login.fhirBaseUrl}/Patient/ben-ortega` })
      }
      await until(() => !isAlive(oldest))
      await until(() => isServing(crew, PROCESSES))
    }
    await load.end()
    assert.deepEqual([...load.statuses.keys()], [200])
    assert.ok(load.torn <= kills * READERS, `${load.torn} requests came to nothing`)
    assert.ok(acknowledged.length > kills / 2, 'most logins succeed')
    for (const session of acknowledged) {
      assert.equal(await ask(session.url, session.browser), 200)
    }
    assert.equal(await metric('fhirstorm_worker_restarts_total', { reason: 'died' }), kills)
    // The places of the dead are taken again, and no other has come into being.
    const lines = broker.output.join('').split('\n').filter(Boolean)
    const slots = new Set(lines.map(line => (JSON.parse(line) as { worker?: number }).worker))
    slots.delete(undefined)
    assert.deepEqual([...slots].sort(), [1, 2, 3])
    assert.equal((await fetch(`${admin}/ehrs`)).status, 200)
  } finally {
    await crew.close()
  }
}

describe('a worker is killed again and again under load', () => {
  test('[PR1] over SQLite', async () => killWorkers(5))
  if (hasRedis()) {
    test('[PR1] over Redis', async t => {
      const redis = await startRedis()
      t.after(() => redis.close())
      await killWorkers(3, { kind: 'redis', url: redis.url })
    })
  }
})

test('[PR2] the primary is killed: workers answer what they have and end, the port is free, sessions stay', async () => {
  const LATE_MS = 1_500
  let arrived = 0
  const lateFace = {
    name: 'late',
    about: 'Every answer takes a while.',
    async fhir(answer: () => Promise<Answer>) {
      arrived++
      return late(await answer(), LATE_MS)
    },
  }
  const crew = await startCrew({
    processes: PROCESSES,
    sandbox: { ehrIds: ehrIdsWith('late'), faces: [lateFace] },
    configure: (document, url) => registerFaces(document, url, ['late']),
  })
  const { app, broker } = crew
  try {
    const browser = createBrowser()
    const { id, fhirBaseUrl } = await logIn(crew, browser, 'amy-shaw', 'ehr=late')
    const workers = listWorkers(broker.pid())
    assert.equal(workers.length, PROCESSES)
    const reading = Promise.all(
      Array.from({ length: PROCESSES }, () => ask(`${fhirBaseUrl}/Patient/amy-shaw`, browser)),
    )
    await until(() => arrived === PROCESSES)
    await broker.kill()
    assert.deepEqual(await reading, [200, 200, 200])
    await until(() => !workers.some(isAlive))
    await new Promise<void>((resolve, reject) => {
      const probe = createServer().once('error', reject)
      probe.listen(Number(new URL(app).port), 'localhost', () => probe.close(() => resolve()))
    })
    await broker.start()
    assert.equal(await ask(`${app}/sessions/${id}`, browser), 200)
  } finally {
    await crew.close()
  }
})

test('[PR2] what the first worker cannot start with ends the whole, in one line and with its status', async () => {
  const crew = await startCrew({ processes: 2 })
  try {
    const { app, sandbox } = crew
    const second = createBroker({
      ...{ app, sandbox: sandbox.url },
      configure(document) {
        Object.assign(document, { processes: 3, log: { level: 'error' } })
      },
    })
    // The first one answers for the port: what is asked is who has ended.
    const ended = second.start().then(() => second.process())
    await until(() => second.process()?.exitCode !== null && second.pid() !== 0)
    assert.equal(second.process().exitCode, 1)
    await ended.catch(() => undefined)
    assert.match(
      second.output.join(''),
      /^fhirstorm: listen\.port: localhost:\d+: the port is in use\n$/,
    )
    await second.close()
  } finally {
    await crew.close()
  }
})

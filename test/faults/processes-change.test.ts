// One service of several processes that changes under load: configurations that all of them take or none, workers
// that are replaced one after the other, an end for all. No request fails, and what they have counted is one sum.

import assert from 'node:assert/strict'
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { until } from '../world/eventually.ts'
import type { ConfigDocument } from '../world/world.ts'
import { ask, type Crew, isAlive, isServing, listWorkers, startCrew, startLoad } from './crew.ts'

const PROCESSES = 3
const READERS = 6

describe('several processes under load', () => {
  let crew: Crew
  before(async () => {
    crew = await startCrew({
      processes: PROCESSES,
      configure(document) {
        document.watch = true
      },
    })
  })
  after(() => crew?.close())

  function write(text: string): void {
    writeFileSync(`${crew.file}.new`, text, { mode: 0o600 })
    renameSync(`${crew.file}.new`, crew.file)
  }
  function change(edit: (document: ConfigDocument) => void): void {
    const document = parse(readFileSync(crew.file, 'utf8')) as ConfigDocument
    edit(document)
    write(stringify(document))
  }
  async function reload(): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${crew.admin}/reload`, { method: 'POST' })
    return { status: answer.status, text: await answer.text() }
  }
  /** What each of so many connections is told: with one for each worker in turn, what every worker says. */
  async function names(): Promise<Set<string>> {
    const told = new Set<string>()
    for (let turn = 0; turn < 2 * PROCESSES; turn++) {
      const answer = await fetch(`${crew.app}/ehrs`, { headers: { connection: 'close' } })
      told.add(((await answer.json()) as { name: string }[])[0]?.name ?? '')
    }
    return told
  }

  test('[PR3, RL1] twenty reloads, four of them faulty: all processes take each or none does', async () => {
    const browser = createBrowser()
    const { id, fhirBaseUrl } = await logIn(crew, browser, 'amy-shaw')
    const urls = [`${fhirBaseUrl}/Patient/amy-shaw`, `${crew.app}/sessions/${id}`]
    const load = startLoad(browser, urls, READERS)
    const good = readFileSync(crew.file, 'utf8')
    for (let round = 1; round <= 20; round++) {
      const isFaulty = round % 5 === 0
      write(good)
      change(document => {
        document.ehrs[0].name = `Round ${round}`
        if (isFaulty) document.ehrs[0].scope = 7
      })
      const { status, text } = await reload()
      assert.equal(status, isFaulty ? 422 : 200, text)
      if (isFaulty) assert.match(text, /fhirstorm-\d+\.yaml:\d+:\d+.*ehrs\[0\]\.scope/)
      assert.deepEqual([...(await names())], [`Round ${isFaulty ? round - 1 : round}`])
    }
    write(good)
    await load.end()
    assert.deepEqual([...load.statuses.keys()], [200])
    assert.equal(load.torn, 0)
  })

  test('[PR3] what one worker alone cannot do, none does', async () => {
    // A second listener on a port that is taken is found out when it is opened, by the workers themselves.
    const good = readFileSync(crew.file, 'utf8')
    change(document => {
      document.ehrs[0].name = 'Never'
      document.internal = { port: Number(new URL(crew.sandbox.url).port) }
    })
    const { status, text } = await reload()
    assert.equal(status, 422)
    assert.match(text, /EADDRINUSE/)
    assert.ok(!(await names()).has('Never'))
    write(good)
    assert.equal((await reload()).status, 200)
  })

  test('[PR3] a worker that takes the place of another knows the configuration in force, not the file', async () => {
    const good = readFileSync(crew.file, 'utf8')
    change(document => {
      document.ehrs[0].name = 'In force'
    })
    assert.equal((await reload()).status, 200)
    write('publicUrl: 7\n')
    const [oldest = 0] = listWorkers(crew.broker.pid())
    process.kill(oldest, 'SIGKILL')
    await until(() => !isAlive(oldest))
    await until(() => isServing(crew, PROCESSES))
    assert.deepEqual([...(await names())], ['In force'])
    write(good)
    crew.broker.process().kill('SIGHUP')
    await until(async () => !(await names()).has('In force'))
    assert.equal((await names()).size, 1)
  })

  test('[PR3] a changed secret reaches all of them by the watch of one', async () => {
    chmodSync(crew.file, 0o600)
    change(document => {
      document.ehrs[0].name = 'By its file'
    })
    await until(async () => (await names()).has('By its file'))
    assert.deepEqual([...(await names())], ['By its file'])
  })

  test('[PR4] SIGUSR2 replaces every worker under load: no request fails, and no slot is held twice', async () => {
    const browser = createBrowser()
    const { id, fhirBaseUrl } = await logIn(crew, browser, 'amy-shaw')
    const load = startLoad(
      browser,
      [`${fhirBaseUrl}/Patient/amy-shaw`, `${crew.app}/readyz`],
      READERS,
    )
    const before = listWorkers(crew.broker.pid())
    crew.broker.process().kill('SIGUSR2')
    await until(() => !before.some(isAlive))
    await until(() => isServing(crew, PROCESSES))
    await load.end()
    assert.deepEqual([...load.statuses.keys()], [200])
    assert.equal(load.torn, 0)
    assert.equal(await ask(`${crew.app}/sessions/${id}`, browser), 200)
    assert.equal(
      await crew.metric('fhirstorm_worker_restarts_total', { reason: 'rolled' }),
      PROCESSES,
    )
    // A slot is one living process's alone: who holds it has left before another begins to serve by it.
    const held = new Set<number>()
    for (const line of crew.broker.output.join('').split('\n').filter(Boolean)) {
      const { worker, msg } = JSON.parse(line) as { worker?: number; msg: string }
      if (worker === undefined) continue
      if (msg === 'listening') assert.ok(!held.has(worker), `${worker} is held twice`)
      if (msg === 'listening') held.add(worker)
      if (msg === 'leaving' || msg.startsWith('a worker died')) held.delete(worker)
    }
    assert.ok(Math.max(...held) <= PROCESSES + 1)
  })

  test('[PR4] SIGUSR2 in the middle of a rolling restart replaces the fresh ones, too', async () => {
    const rolled = () => crew.metric('fhirstorm_worker_restarts_total', { reason: 'rolled' })
    const before = await rolled()
    crew.broker.process().kill('SIGUSR2')
    await until(async () => (await rolled()) > before)
    const workers = listWorkers(crew.broker.pid())
    crew.broker.process().kill('SIGUSR2')
    await until(() => !workers.some(isAlive))
    await until(() => isServing(crew, PROCESSES))
  })

  test('[PR5] /metrics of any worker tells what all have counted, the dead and the replaced too', async () => {
    const counted = () =>
      crew.metric('http_server_request_duration_seconds_count', {
        http_route: '/sessions/:id/fhir/*',
      })
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(crew, browser, 'amy-shaw')
    const before = await counted()
    const inForceSince = () => crew.metric('fhirstorm_last_reload_success_timestamp_seconds')
    const read = async (times: number) => {
      for (let time = 0; time < times; time++) {
        assert.equal(await ask(`${fhirBaseUrl}/Patient/amy-shaw`, browser), 200)
      }
    }
    await read(30)
    assert.equal(await counted(), before + 30)
    // A reload begins a new generation of every app, and a scrape may meet any worker.
    assert.equal((await reload()).status, 200)
    const since = await inForceSince()
    await read(10)
    for (let turn = 0; turn < PROCESSES; turn++) assert.equal(await counted(), before + 40)
    // Whoever dies after a scrape takes nothing back.
    const [oldest = 0] = listWorkers(crew.broker.pid())
    process.kill(oldest, 'SIGKILL')
    await until(() => !isAlive(oldest))
    assert.equal(await counted(), before + 40)
    await until(() => isServing(crew, PROCESSES))
    // Whoever ends in order says what it has counted since.
    await read(6)
    const [next = 0] = listWorkers(crew.broker.pid())
    process.kill(next, 'SIGTERM')
    await until(() => !isAlive(next))
    assert.equal(await counted(), before + 46)
    await until(() => isServing(crew, PROCESSES))
    // Whoever takes a place begins with what is in force already.
    assert.equal(await inForceSince(), since)
    assert.equal(await crew.metric('fhirstorm_up', { ehr: 'general' }), 1)
    assert.equal(await crew.metric('fhirstorm_build_info'), 1)
  })

  test('[PR5] what an operator changes at one worker is in force in all when it is answered, and in the next', async () => {
    const { app, admin, broker } = crew
    const logins = async () => {
      const statuses = new Set<number>()
      for (let turn = 0; turn < 2 * PROCESSES; turn++) {
        const headers = { connection: 'close' }
        const answer = await fetch(`${app}/login?ehr=general`, { headers, redirect: 'manual' })
        statuses.add(answer.status)
      }
      return [...statuses]
    }
    const levels = async () => {
      const told = new Set<string>()
      for (let turn = 0; turn < 2 * PROCESSES; turn++) {
        const answer = await fetch(`${admin}/log-level`, { headers: { connection: 'close' } })
        told.add(((await answer.json()) as { level: string }).level)
      }
      return [...told]
    }
    assert.deepEqual(await logins(), [302])
    assert.equal((await fetch(`${admin}/drain?ready=true`, { method: 'POST' })).status, 200)
    assert.deepEqual(await logins(), [503])
    const body = JSON.stringify({ level: 'debug' })
    const headers = { 'content-type': 'application/json' }
    assert.equal((await fetch(`${admin}/log-level`, { method: 'PUT', headers, body })).status, 200)
    assert.deepEqual(await levels(), ['debug'])
    const [oldest = 0] = listWorkers(broker.pid())
    process.kill(oldest, 'SIGKILL')
    await until(() => !isAlive(oldest))
    await until(() => isServing(crew, PROCESSES))
    assert.deepEqual(await logins(), [503])
    assert.deepEqual(await levels(), ['debug'])
    // A reload gives the log back to the configuration, and leaves the drain.
    assert.equal((await reload()).status, 200)
    assert.deepEqual(await levels(), ['info'])
    assert.deepEqual(await logins(), [503])
    assert.equal((await fetch(`${admin}/drain`, { method: 'DELETE' })).status, 200)
    assert.deepEqual(await logins(), [302])
  })

  test('[PR5] a session ended at any worker, by an operator too, is refused by all', async () => {
    const { admin, app } = crew
    const browser = createBrowser()
    const { id, fhirBaseUrl } = await logIn(crew, browser, 'amy-shaw')
    const read = () => ask(`${fhirBaseUrl}/Patient/amy-shaw`, browser)
    for (let turn = 0; turn < PROCESSES; turn++) assert.equal(await read(), 200)
    await fetch(`${admin}/sessions?all=true`, { method: 'DELETE' })
    for (let turn = 0; turn < 2 * PROCESSES; turn++) assert.equal(await read(), 401)
    assert.equal(await ask(`${app}/sessions/${id}`, browser), 401)
  })

  test('[PR4] SIGTERM ends all: what is under way is answered, the status is 0', async () => {
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(crew, browser, 'amy-shaw')
    const workers = listWorkers(crew.broker.pid())
    const reading = Array.from({ length: PROCESSES }, () =>
      fetch(`${fhirBaseUrl}/Observation?_count=1000`, {
        headers: {
          cookie: [...browser.cookies(crew.app)].map(pair => pair.join('=')).join('; '),
          'sec-fetch-site': 'same-origin',
        },
      }),
    )
    const answers = await Promise.all(reading)
    const stopped = crew.broker.stop()
    for (const answer of answers) {
      assert.equal(answer.status, 200)
      assert.ok(((await answer.json()) as { entry: unknown[] }).entry.length > 50)
    }
    assert.equal(await stopped, 0)
    assert.deepEqual(workers.filter(isAlive), [])
  })
})

// A running service that is given another configuration, again and again, under load: nobody notices but for what
// has changed, and a faulty one changes nothing.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { logIn } from '../flow/login.ts'
import { type Broker, createBroker, makeFolder } from '../world/broker.ts'
import { createBrowser } from '../world/browser.ts'
import { findPort } from '../world/port.ts'
import type { ConfigDocument } from '../world/world.ts'

describe('a configuration that is read anew', () => {
  let folder: string
  let file: string
  let app: string
  let admin: string
  let sandbox: Sandbox
  let broker: Broker
  before(async () => {
    const [port, adminPort] = await Promise.all([findPort(), findPort()])
    app = `http://localhost:${port}`
    admin = `http://127.0.0.1:${adminPort}`
    sandbox = await startSandbox({ port: 0, appUrl: app, ehrIds: ['general', 'second'] })
    folder = makeFolder()
    broker = createBroker({
      ...{ app, sandbox: sandbox.url, folder },
      configure(document) {
        document.admin = { port: adminPort }
        document.watch = true
        document.log = { level: 'info' }
      },
    })
    file = join(folder, `fhirstorm-${port}.yaml`)
    await broker.start()
  })
  after(async () => {
    await broker.close()
    await sandbox.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const read = () => parse(readFileSync(file, 'utf8')) as ConfigDocument
  function write(text: string): void {
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  const change = (edit: (document: ConfigDocument) => void) => {
    const document = read()
    edit(document)
    write(stringify(document))
  }
  const reload = async () => {
    const answer = await fetch(`${admin}/reload`, { method: 'POST' })
    return { status: answer.status, text: await answer.text() }
  }
  const names = async () =>
    ((await (await createBrowser().fetch(`${app}/ehrs`)).json()) as { name: string }[]).map(
      ({ name }) => name,
    )
  async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
    for (let tries = 0; !(await isSo()); tries++) {
      if (tries > 1_200) throw new Error(`it never became so: ${isSo}`)
      await pause(50)
    }
  }
  const descriptors = () => readdirSync(`/proc/${broker.pid()}/fd`).length

  test('[RL1] thirty reloads under load, six of them faulty: no request fails, no session is lost', async () => {
    const browser = createBrowser()
    const { id, fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
    const good = readFileSync(file, 'utf8')
    const statuses = new Map<number, number>()
    let isOver = false
    const reader = async (path: string) => {
      while (!isOver) {
        const { status } = await browser.fetch(path)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        await pause(2)
      }
    }
    const load = Promise.all([
      ...Array.from({ length: 4 }, () => reader(`${fhirBaseUrl}/Patient/amy-shaw`)),
      reader(`${fhirBaseUrl}/Observation?_count=50`),
      reader(`${app}/sessions/${id}`),
    ])
    const before = descriptors()
    for (let round = 1; round <= 30; round++) {
      const isFaulty = round % 5 === 0
      write(good)
      change(document => {
        document.ehrs[0].name = `Round ${round}`
        if (isFaulty) document.ehrs[0].scope = 7
      })
      const { status, text } = await reload()
      if (isFaulty) {
        assert.equal(status, 422)
        assert.match(text, /fhirstorm-\d+\.yaml:\d+:\d+/)
        assert.match(text, /ehrs\[0\]\.scope/)
      } else assert.equal(status, 200, text)
      const kept = isFaulty ? round - 1 : round
      assert.equal((await names())[0], `Round ${kept}`)
    }
    write(good)
    await until(() => (statuses.get(200) ?? 0) > 300)
    isOver = true
    await load
    assert.deepEqual([...statuses.keys()], [200])
    // What the generations held is given back.
    await until(() => descriptors() <= before + 10)
    assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
  })

  test('[RL1] SIGHUP and a changed file reload too, and a login that was begun before ends after', async () => {
    const browser = createBrowser()
    const begun = await browser.navigate(`${app}/login?ehr=general`, () => true)
    change(document => {
      document.ehrs[0].name = 'By a signal'
    })
    broker.process().kill('SIGHUP')
    await until(async () => (await names())[0] === 'By a signal')
    const ended = await browser.navigate(`${begun.headers.get('location')}&patient=amy-shaw&auto=1`)
    assert.match(ended.url, /session=[\w-]{22}/)
    change(document => {
      document.ehrs[0].name = 'By its file'
      document.ehrs.push({ ...document.ehrs[0], id: 'second', name: 'A second one' })
    })
    await until(async () => (await names()).includes('A second one'))
    const { document } = await logIn({ app, sandbox }, createBrowser(), 'ben-ortega', 'ehr=second')
    assert.equal(document.ehr, 'second')
  })

  test('[RL1] what a running process cannot change is refused, and said', async () => {
    const good = readFileSync(file, 'utf8')
    for (const [setting, fixed] of [
      ['listen.port', { listen: { host: 'localhost', port: 1 } }],
      ['vault', { vault: { kind: 'memory' } }],
    ] as const) {
      change(one => void Object.assign(one, fixed))
      const { status, text } = await reload()
      assert.equal(status, 422)
      assert.ok(text.includes(setting) && text.includes('takes a restart'), text)
      write(good)
    }
    assert.equal((await reload()).status, 200)
    assert.ok(broker.output.join('').includes('not reloaded'))
  })

  test('[RL1] an answer that streams goes on to its end, and a stream of events comes again', async () => {
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
    const cookie = [...browser.cookies(app)].map(pair => pair.join('=')).join('; ')
    const headers = { cookie, 'sec-fetch-site': 'same-origin' }
    const events = await fetch(`${app}/sessions/events`, {
      headers: { ...headers, accept: 'text/event-stream' },
    })
    const reader = events.body?.getReader()
    await reader?.read()
    const body = await fetch(`${fhirBaseUrl}/Observation?_count=1000`, { headers })
    assert.equal((await reload()).status, 200)
    const bundle = JSON.parse(await body.text())
    assert.ok(bundle.entry.length > 50)
    for (let end = false; !end; ) end = (await reader?.read())?.done ?? true
    const again = await fetch(`${app}/sessions/events`, {
      headers: { ...headers, accept: 'text/event-stream' },
    })
    assert.equal(again.status, 200)
    await again.body?.cancel()
  })
})

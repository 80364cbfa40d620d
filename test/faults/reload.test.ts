// A running service that is given another configuration, again and again, under load: nobody notices but for what
// has changed, and a faulty one changes nothing.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { until } from '../world/eventually.ts'
import { type Reloading, startReloading } from './reloading.ts'
import { reloadUnderLoad, WEIGHED_BROKER } from './reloads.ts'

describe('a configuration that is read anew', () => {
  let service: Reloading
  before(async () => {
    service = await startReloading({
      program: WEIGHED_BROKER,
      configure(document) {
        document.watch = true
      },
    })
  })
  after(() => service.close())

  test('[RL1] thirty reloads under load, six of them faulty: no request fails, no session is lost', async () => {
    const report = await reloadUnderLoad(service, 30)
    const { failedReads, tornStreams, failedLogins, lostSessions, faulty } = report
    assert.deepEqual(
      { failedReads, tornStreams, failedLogins, lostSessions, faulty },
      { failedReads: 0, tornStreams: 0, failedLogins: 0, lostSessions: 0, faulty: 6 },
    )
    assert.ok(report.reads > 100 && report.streams > 3 && report.logins > 3, JSON.stringify(report))
  })

  test('[RL1] SIGHUP and a changed file reload too, and a login that was begun before ends after', async () => {
    const browser = createBrowser()
    const begun = await browser.navigate(`${service.app}/login?ehr=general`, () => true)
    service.change(document => {
      document.ehrs[0].name = 'By a signal'
    })
    service.broker.process().kill('SIGHUP')
    await until(async () => (await service.names())[0] === 'By a signal')
    const ended = await browser.navigate(`${begun.headers.get('location')}&patient=amy-shaw&auto=1`)
    assert.match(ended.url, /session=[\w-]{22}/)
    service.change(document => {
      document.ehrs[0].name = 'By its file'
      document.ehrs.push({ ...document.ehrs[0], id: 'second', name: 'A second one' })
    })
    await until(async () => (await service.names()).includes('A second one'))
    const { document } = await logIn(service, createBrowser(), 'ben-ortega', 'ehr=second')
    assert.equal(document.ehr, 'second')
  })

  test('[RL1] what a running process cannot change is refused, and said', async () => {
    const good = service.read()
    for (const [setting, fixed] of [
      ['listen.port', { listen: { host: 'localhost', port: 1 } }],
      ['vault', { vault: { kind: 'memory' } }],
    ] as const) {
      service.change(one => void Object.assign(one, fixed))
      const { status, text } = await service.reload()
      assert.equal(status, 422)
      const [fault, ...others] = JSON.parse(text).faults
      assert.deepEqual([fault.setting, others], [setting, []])
      assert.match(fault.message, /takes a restart/)
      assert.match(fault.where, /\.yaml:\d+:\d+$/)
      service.restore(good)
    }
    assert.equal((await service.reload()).status, 200)
    assert.ok(service.output().includes('not reloaded'))
  })

  test('[RL1] an answer that streams goes on to its end, and a stream of events comes again', async () => {
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(service, browser, 'amy-shaw')
    const cookie = [...browser.cookies(service.app)].map(pair => pair.join('=')).join('; ')
    const headers = { cookie, 'sec-fetch-site': 'same-origin' }
    const events = await fetch(`${service.app}/sessions/events`, {
      headers: { ...headers, accept: 'text/event-stream' },
    })
    const reader = events.body?.getReader()
    await reader?.read()
    const body = await fetch(`${fhirBaseUrl}/Observation?_count=1000`, { headers })
    assert.equal((await service.reload()).status, 200)
    const bundle = JSON.parse(await body.text())
    assert.ok(bundle.entry.length > 50)
    for (let end = false; !end; ) end = (await reader?.read())?.done ?? true
    const again = await fetch(`${service.app}/sessions/events`, {
      headers: { ...headers, accept: 'text/event-stream' },
    })
    assert.equal(again.status, 200)
    await again.body?.cancel()
  })
})

// Faults outside of any request, in a real process: each is logged with its place and counted, nothing of
// its message is told; some end the process in order, the others change nothing.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { endsProcess } from '../../program/cli/process-faults.ts'
import { BrokerError } from '../../src/errors.ts'
import { logIn } from '../flow/login.ts'
import { openStream } from '../flow/stream.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { end } from '../world/children.ts'
import { ehrIdsWith, endlessFace, registerFaces } from '../world/ehrs.ts'
import { eventually } from '../world/eventually.ts'
import { startProcessWorld } from '../world/process-world.ts'
import { type FaultName, SECRET } from './faulty-broker.ts'

interface Line {
  msg: string
  kind: string
  at: string[]
  ends: boolean
  err: { name: string; code?: string }
}

async function startFaulty(names: readonly FaultName[]) {
  const { app, admin, sandbox, broker, close } = await startProcessWorld({
    sandbox: { faces: [endlessFace], ehrIds: ehrIdsWith('endless') },
    program: 'test/faults/faulty-broker.ts',
    env: { FAULTS: JSON.stringify(names) },
    configure(document, sandboxUrl) {
      registerFaces(document, sandboxUrl, ['endless'])
      document.log = { level: 'info' }
    },
  })
  return {
    ...{ broker, close },
    places: { app, sandbox },
    fault: () => process.kill(broker.pid(), 'SIGCONT'),
    lines: (): Line[] =>
      broker.output
        .join('')
        .split('\n')
        .filter(line => line.includes('"fault outside any request"'))
        .map(line => JSON.parse(line)),
    async counted(kind: string) {
      const text = await (await fetch(`${admin}/metrics`)).text()
      const [, count] =
        new RegExp(`^fhirstorm_faults_total\\{kind="${kind}"\\} (\\d+)$`, 'm').exec(text) ?? []
      return Number(count)
    },
  }
}

const passing: [name: FaultName, kind: string, err: Line['err'], at: RegExp][] = [
  ['a promise that nobody waits for', 'rejection', { name: 'Error', code: 'ENOENT' }, /^$/],
  [
    'a mistake in a promise',
    'rejection',
    { name: 'TypeError' },
    /^test\/faults\/faulty-broker\.ts:\d+ mistake$/,
  ],
  [
    'a socket whose error nobody hears',
    'exception',
    { name: 'Error', code: 'ECONNREFUSED' },
    /^node:net:\d+$/,
  ],
]

const ROUNDS = 3

describe('in a process that goes on', () => {
  let place: Awaited<ReturnType<typeof startFaulty>>
  let browser: Browser
  let id: string
  let stream: Awaited<ReturnType<typeof openStream>>
  before(async () => {
    place = await startFaulty(passing.flatMap(([name]) => Array<FaultName>(ROUNDS).fill(name)))
    browser = createBrowser()
    const session = await logIn(place.places, browser, 'amy-shaw', 'ehr=endless')
    id = session.id
    stream = await openStream(browser, `${session.fhirBaseUrl}/Patient`)
  })
  after(() => place.close())

  for (const [name, kind, err, at] of passing) {
    test(`[PS2, DS9] ${name} is logged and counted, and nobody notices`, async () => {
      const { broker, places, fault, lines, counted } = place
      const [logged, noted] = [lines().length, await counted(kind)]
      for (let round = 1; round <= ROUNDS; round++) {
        fault()
        assert.ok(await eventually(async () => (await counted(kind)) === noted + round))
      }
      assert.ok(await eventually(() => lines().length === logged + ROUNDS))
      for (const line of lines().slice(logged)) {
        assert.deepEqual([line.kind, line.ends, line.err], [kind, false, err])
        assert.match(line.at[0] ?? '', at)
      }
      assert.ok(stream.isOpen())
      assert.equal((await browser.fetch(`${places.app}/readyz`)).status, 200)
      assert.ok(!broker.output.join('').includes(SECRET))
    })
  }

  test('[PS2, DS8] after all of them it ends in order, with status 0', async () => {
    // It would be let run for as long as an ending may take.
    await browser.fetch(`${place.places.app}/sessions/${id}`, { method: 'DELETE' })
    await stream.cut()
    assert.equal(await place.broker.stop(), 0)
  })
})

for (const name of ['a mistake in a callback', 'a mistake after its time'] as const) {
  test(`[PS2, DS8] ${name} is logged, and the process ends in order with status 1`, async t => {
    const { broker, places, fault, lines, close } = await startFaulty([name])
    t.after(close)
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(places, browser, 'amy-shaw')
    fault()
    assert.equal(await end(broker.process()), 1)
    const [line] = lines()
    assert.deepEqual(
      [line?.kind, line?.ends, line?.err],
      ['exception', true, { name: 'TypeError' }],
    )
    assert.match(broker.output.join(''), /"msg":"draining"/)
    assert.ok(!broker.output.join('').includes(SECRET))
    await broker.start()
    assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient`)).status, 200)
  })
}

test('[PS2] what others did passes, what the program did ends it', () => {
  const coded = (code: string) => Object.assign(new Error('secret'), { code })
  for (const code of [
    ...['ECONNRESET', 'EPIPE', 'EMFILE', 'ENOSPC', 'EAI_AGAIN', 'ENOTFOUND', 'UND_ERR_SOCKET'],
    ...['HPE_INVALID_CONSTANT', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ...['ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR'],
  ]) {
    assert.equal(endsProcess('exception', coded(code)), false, code)
  }
  // A refusal that nobody heard was made on purpose.
  assert.equal(endsProcess('exception', new BrokerError('request_timeout')), false)
  for (const error of [
    ...[new TypeError('x'), new RangeError('x'), new Error('x'), coded('ERR_ASSERTION')],
    ...[Object.assign(new TypeError('x'), { code: 'EPIPE' }), coded('ERR_INVALID_ARG_TYPE')],
    ...[undefined, null, 'text', { code: 'EPIPE' }],
  ]) {
    assert.equal(endsProcess('exception', error), true, String(error))
    assert.equal(endsProcess('rejection', error), false)
  }
})

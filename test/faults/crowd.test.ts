// A crowd at random: forty browsers, seven patients, logins, reads, renewals and logouts in any order,
// several at once in each browser, against an EHR whose tokens read their own patient alone. Whatever
// else happens, no answer is ever another patient's. Seeded, so that a run can be repeated.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type LoggedIn, launchFromEhr, logIn } from '../flow/login.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { createRandom } from './random.ts'

const SEED = 20261123
const BROWSERS = 40
const DAY_MS = 18_000
const patients = [
  ...['amy-shaw', 'ben-ortega', 'elena-rossi', 'hiro-tanaka'],
  ...['farid-haddad', 'irene-kowalski', 'chloe-nguyen'],
]

interface Held {
  session: LoggedIn
  patient: string
  /** Ended by somebody: by a logout here, or because there were too many. */
  isOver: boolean
}

let world: World
before(async () => {
  world = await createWorld({
    sandbox: {
      // So short that sessions are renewed.
      accessTokenSeconds: 12,
      onRequest({ path }) {
        if (path.endsWith('/token')) tally.tokenCalls++
      },
    },
    configure(document) {
      document.sessions = { perBrowser: 4 }
    },
  })
})
after(() => world.close())

const random = createRandom(SEED)
const choose = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T
const tally = { tokenCalls: 0, logins: 0, reads: 0, logouts: 0, refused: 0 }

/** One browser's day. */
async function live(browser: Browser, evening: number): Promise<void> {
  const held: Held[] = []
  while (performance.now() < evening) {
    const live = held.filter(({ isOver }) => !isOver)
    const choice = random()
    if (live.length === 0 || choice < 0.2) await enter(browser, held)
    else if (choice < 0.9) await readSome(browser, live)
    else await leave(browser, choose(live))
  }
}

async function enter(browser: Browser, held: Held[]): Promise<void> {
  const patient = choose(patients)
  const session = await (random() < 0.5 ? logIn : launchFromEhr)(world, browser, patient)
  assert.equal(session.document.patient, patient)
  held.push({ session, patient, isOver: false })
  const live = (await browser.fetch(`${world.app}/sessions`)).json<{ id: string }[]>()
  for (const each of held) each.isOver = !live.some(({ id }) => id === each.session.id)
  tally.logins++
}

/** Several reads at once, of several sessions. */
async function readSome(browser: Browser, live: readonly Held[]): Promise<void> {
  const count = 1 + Math.floor(random() * 4)
  await Promise.all(Array.from({ length: count }, () => read(browser, choose(live))))
}

async function read(browser: Browser, held: Held): Promise<void> {
  const { session, patient } = held
  const other = choose(patients.filter(each => each !== patient))
  const [path, belongs] = choose<[string, ((text: string) => boolean)?]>([
    [`Patient/${patient}`, text => JSON.parse(text).id === patient],
    ['Patient', text => idsIn(text).join() === patient],
    ['Observation?_count=3', text => !mentionsAnother(text, patient)],
    [`Patient/${other}`],
  ])
  const { status, text } = await browser.fetch(`${session.fhirBaseUrl}/${path}`)
  tally.reads++
  if (status === 200) {
    assert.ok(belongs?.(text), `a wrong answer for ${path}`)
    return
  }
  // What is not the patient's is refused by the EHR, and what is over by us; nothing else is refused.
  assert.ok(belongs === undefined || (held.isOver && status === 401), `${path}: ${status}`)
  assert.ok([401, 403, 404].includes(status), `${path}: ${status}`)
  assert.ok(!mentionsAnother(text, patient))
  tally.refused++
}

async function leave(browser: Browser, held: Held): Promise<void> {
  held.isOver = true
  const url = `${world.app}/sessions/${held.session.id}`
  const reading = read(browser, held)
  const out = await browser.fetch(url, { method: 'DELETE' })
  assert.equal(out.status, 200, out.text)
  await reading
  const after = await browser.fetch(`${held.session.fhirBaseUrl}/Patient`)
  assert.equal(after.status, 401)
  tally.logouts++
}

function idsIn(text: string): string[] {
  const bundle = JSON.parse(text) as { entry?: { resource: { id: string } }[] }
  return (bundle.entry ?? []).map(({ resource }) => resource.id)
}

function mentionsAnother(text: string, patient: string): boolean {
  return patients.some(each => each !== patient && text.includes(`Patient/${each}`))
}

test('[F1, K13] forty browsers with seven patients never see a wrong one', async () => {
  const evening = performance.now() + DAY_MS
  await Promise.all(Array.from({ length: BROWSERS }, () => live(createBrowser(), evening)))
  assert.ok(tally.logins > BROWSERS && tally.reads > 3 * BROWSERS, JSON.stringify(tally))
  const renewals = tally.tokenCalls - tally.logins
  assert.ok(renewals > 10 && tally.logouts > 10, JSON.stringify(tally))
  const metrics = await world.product.smartMetrics.text()
  assert.doesNotMatch(metrics, /event="unreadable"/)
  assert.doesNotMatch(world.log.join(''), /"code":"internal"/)
})

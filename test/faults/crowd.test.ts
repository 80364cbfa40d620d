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
const ROUNDS = 3
const ACTIONS = 10
const TOKEN_SECONDS = 60
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

interface Person {
  browser: Browser
  held: Held[]
  /** The person's own, so that what one decides does not hang on how fast the others are. */
  random: () => number
}

let world: World
let ahead = 0
before(async () => {
  world = await createWorld({
    now: () => Date.now() + ahead,
    sandbox: {
      accessTokenSeconds: TOKEN_SECONDS,
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

const tally = { tokenCalls: 0, logins: 0, reads: 0, logouts: 0, refused: 0 }

/** One browser's part of a round. */
async function live(person: Person): Promise<void> {
  for (let actions = 0; actions < ACTIONS; actions++) {
    const live = person.held.filter(({ isOver }) => !isOver)
    const choice = person.random()
    if (live.length === 0 || choice < 0.2) await enter(person)
    else if (choice < 0.9) await readSome(person, live)
    else await leave(person, choose(person, live))
  }
}

async function enter(person: Person): Promise<void> {
  const { browser, held } = person
  const patient = choose(person, patients)
  const session = await (person.random() < 0.5 ? logIn : launchFromEhr)(world, browser, patient)
  assert.equal(session.document.patient, patient)
  held.push({ session, patient, isOver: false })
  const live = (await browser.fetch(`${world.app}/sessions`)).json<{ id: string }[]>()
  for (const each of held) each.isOver = !live.some(({ id }) => id === each.session.id)
  tally.logins++
}

/** Several reads at once, of several sessions. */
async function readSome(person: Person, live: readonly Held[]): Promise<void> {
  const count = 1 + Math.floor(person.random() * 4)
  await Promise.all(Array.from({ length: count }, () => read(person, choose(person, live))))
}

async function read(person: Person, held: Held): Promise<void> {
  const { session, patient } = held
  const other = choose(
    person,
    patients.filter(each => each !== patient),
  )
  const [path, belongs] = choose<[string, ((text: string) => boolean)?]>(person, [
    [`Patient/${patient}`, text => JSON.parse(text).id === patient],
    ['Patient', text => idsIn(text).join() === patient],
    ['Observation?_count=3', text => !mentionsAnother(text, patient)],
    [`Patient/${other}`],
  ])
  const { status, text } = await person.browser.fetch(`${session.fhirBaseUrl}/${path}`)
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

async function leave(person: Person, held: Held): Promise<void> {
  const { browser } = person
  held.isOver = true
  const url = `${world.app}/sessions/${held.session.id}`
  const reading = read(person, held)
  const out = await browser.fetch(url, { method: 'DELETE' })
  assert.equal(out.status, 200, out.text)
  await reading
  const after = await browser.fetch(`${held.session.fhirBaseUrl}/Patient`)
  assert.equal(after.status, 401)
  tally.logouts++
}

function choose<T>({ random }: Person, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T
}

function idsIn(text: string): string[] {
  const bundle = JSON.parse(text) as { entry?: { resource: { id: string } }[] }
  return (bundle.entry ?? []).map(({ resource }) => resource.id)
}

function mentionsAnother(text: string, patient: string): boolean {
  return patients.some(each => each !== patient && text.includes(`Patient/${each}`))
}

test('[F1, K13] forty browsers with seven patients never see a wrong one', async () => {
  const people = Array.from({ length: BROWSERS }, (_, no) => ({
    browser: createBrowser(),
    held: [],
    random: createRandom(SEED + no),
  }))
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(people.map(live))
    // Every session that goes on is renewed at its next read, however fast this machine is: in one
    // round because the EHR has refused, in the next because the time is up.
    if (round % 2 === 0) world.sandbox.expireAccessTokens()
    ahead += (round % 2 === 0 ? TOKEN_SECONDS / 4 : TOKEN_SECONDS) * 1000
  }
  assert.ok(tally.logins > BROWSERS && tally.reads > 3 * BROWSERS, JSON.stringify(tally))
  const renewals = tally.tokenCalls - tally.logins
  assert.ok(renewals > 10 && tally.logouts > 10, JSON.stringify(tally))
  const metrics = await world.product.smartMetrics.text()
  assert.doesNotMatch(metrics, /event="unreadable"/)
  assert.doesNotMatch(world.log.join(''), /"code":"internal"/)
})

// The life of sessions as a property: whatever is done, in whatever order and through whichever process,
// a session opens exactly as long as it should, with its own patient and its newest tokens.

import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { BrokerError } from '../../src/errors.ts'
import type { IndexKind } from '../../src/session/sealer.ts'
import type { OpenSession } from '../../src/session/session.ts'
import type { SessionStore } from '../../src/session/store.ts'
import { createMemoryVault } from '../../src/vault/memory.ts'
import { openSqliteVault } from '../../src/vault/sqlite.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { removeFolder } from '../world/folder.ts'
import { buildStore, buildTokens, type Clock, createClock, ISS, MINUTE } from './sessions.ts'

const IDLE_MS = 15 * MINUTE
/** Short, so that it comes to pass before a session has idled away. */
const ABSOLUTE_MS = 40 * MINUTE

/** What a session should be. */
interface Expected {
  browser: string
  ehr: string
  sub: string
  patient: string
  accessToken: string
  generation: number
  lastUsedAt: number
  expiresAt: number
  endsAt: number
  isEnded: boolean
}

interface Known {
  expected: Expected
  /** As it was opened at its login and since, the newest last: requests of any age hold one. */
  opened: OpenSession[]
}

interface Life {
  clock: Clock
  sessions: Known[]
}

type Step = [label: string, run: (life: Life, store: SessionStore) => Promise<void>]

const nth = fc.nat({ max: 5 })
const browser = fc.constantFrom('browser-1', 'browser-2')
const ehr = fc.constantFrom('general', 'children')
const sub = fc.constantFrom('doctor', 'nurse')
const identityIss = 'https://ehr.example.org'

const logins: fc.Arbitrary<Step> = fc.tuple(browser, ehr, sub).map(
  ([from, at, user]): Step => [
    `${user} logs in at ${at} from ${from}`,
    async ({ clock, sessions }, store) => {
      const number = sessions.length
      const patient = `patient-${number}`
      const tokens = buildTokens(clock.now(), {
        accessToken: `access-${number}-1`,
        identity: { iss: identityIss, sub: user },
        context: { patient, fhirContext: [], needPatientBanner: true, extras: {} },
      })
      const open = await store.begin(ISS, tokens, from, at)
      sessions.push({
        opened: [open],
        expected: {
          ...{ browser: from, ehr: at, sub: user, patient, isEnded: false, generation: 1 },
          accessToken: tokens.accessToken,
          lastUsedAt: clock.now(),
          expiresAt: clock.now() + IDLE_MS,
          endsAt: clock.now() + ABSOLUTE_MS,
        },
      })
    },
  ],
)

const opens: fc.Arbitrary<Step> = fc
  .tuple(nth, fc.boolean())
  .map(
    ([which, slide]): Step => [
      `opens ${which}${slide ? '' : ' without sliding'}`,
      (life, store) => openAndCompare(life, store, which, slide),
    ],
  )

const renewals: fc.Arbitrary<Step> = fc.tuple(nth, nth).map(
  ([which, age]): Step => [
    `renews ${which} as opened ${age} times ago`,
    async ({ clock, sessions }, store) => {
      const known = pick(sessions, which)
      if (!known) return
      const { expected, opened } = known
      const held = opened.at(-1 - (age % opened.length)) as OpenSession
      const accessToken = `access-${sessions.indexOf(known)}-${held.generation + 1}`
      const tokens = { ...held.session.tokens, accessToken }
      const stored = await store.replace(held, tokens)
      const isDue = isAlive(expected, clock) && held.generation === expected.generation
      assert.equal(stored !== undefined, isDue)
      if (!stored) return
      opened.push(stored)
      expected.generation++
      expected.accessToken = accessToken
      expected.expiresAt = Math.min(clock.now() + IDLE_MS, expected.endsAt)
    },
  ],
)

const endings: fc.Arbitrary<Step> = nth.map(
  (which): Step => [
    `ends ${which}`,
    async ({ clock, sessions }, store) => {
      const known = pick(sessions, which)
      if (!known) return
      const { expected, opened } = known
      const [{ recordId }] = opened as [OpenSession]
      assert.equal(await store.end(recordId), isAlive(expected, clock))
      expected.isEnded = true
    },
  ],
)

const browserEndings: fc.Arbitrary<Step> = browser.map(from =>
  endAll('browser', [from], expected => expected.browser === from),
)

const ehrEndings: fc.Arbitrary<Step> = ehr.map(at =>
  endAll('ehr', [at], expected => expected.ehr === at),
)

const userEndings: fc.Arbitrary<Step> = fc
  .tuple(ehr, sub)
  .map(([at, user]) =>
    endAll('sub', [at, identityIss, user], each => each.ehr === at && each.sub === user),
  )

const waits: fc.Arbitrary<Step> = fc
  .nat({ max: 9 })
  .map(
    (minutes): Step => [
      `${minutes} minutes pass`,
      async ({ clock }) => clock.pass(minutes * MINUTE),
    ],
  )

const steps: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: logins, weight: 3 },
  { arbitrary: opens, weight: 8 },
  { arbitrary: waits, weight: 6 },
  { arbitrary: renewals, weight: 3 },
  ...[endings, browserEndings, ehrEndings, userEndings].map(arbitrary => ({
    arbitrary,
    weight: 1,
  })),
)

function endAll(kind: IndexKind, values: string[], isMeant: (each: Expected) => boolean): Step {
  return [
    `ends all of ${kind} ${values.at(-1)}`,
    async ({ clock, sessions }, store) => {
      const found = await store.find(kind, ...values)
      const meant = sessions.filter(({ expected }) => isMeant(expected))
      const alive = meant.filter(({ expected }) => isAlive(expected, clock))
      assert.deepEqual(
        found.map(({ id }) => id).sort(),
        alive.map(({ opened }) => opened[0]?.recordId).sort(),
      )
      for (const { id } of found) await store.end(id)
      for (const { expected } of meant) expected.isEnded = true
    },
  ]
}

async function openAndCompare(
  { clock, sessions }: Life,
  store: SessionStore,
  which: number,
  slide: boolean,
): Promise<void> {
  const known = pick(sessions, which)
  if (!known) return
  const { expected, opened } = known
  const [{ ticket }] = opened as [OpenSession]
  const found = await openOrRefuse(() => store.open(ticket, { slide }))
  assert.equal(found !== undefined, isAlive(expected, clock))
  if (!found) return
  if (slide && clock.now() - expected.lastUsedAt >= MINUTE) {
    expected.lastUsedAt = clock.now()
    expected.expiresAt = Math.min(clock.now() + IDLE_MS, expected.endsAt)
  }
  const { session, generation, lastUsedAt, expiresAt } = found
  assert.deepEqual(
    {
      ...{ id: session.id, ehr: session.ehr, generation, lastUsedAt, expiresAt },
      patient: session.tokens.context.patient,
      accessToken: session.tokens.accessToken,
    },
    {
      ...{ id: ticket.id, ehr: expected.ehr, generation: expected.generation },
      ...{ lastUsedAt: expected.lastUsedAt, expiresAt: expected.expiresAt },
      ...{ patient: expected.patient, accessToken: expected.accessToken },
    },
  )
  opened.push(found)
}

async function openOrRefuse(
  open: () => OpenSession | Promise<OpenSession>,
): Promise<OpenSession | undefined> {
  try {
    return await open()
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'session_invalid') return undefined
    throw error
  }
}

function pick(sessions: Known[], which: number): Known | undefined {
  return sessions[which % Math.max(1, sessions.length)]
}

// What is over stays over: no later step brings a session back.
function isAlive(expected: Expected, clock: Clock): boolean {
  expected.isEnded ||= expected.expiresAt <= clock.now() || expected.endsAt <= clock.now()
  return !expected.isEnded
}

const homes: [
  name: string,
  connect: (folder: string, now: () => number) => Vault[],
  runs: number,
][] = [
  ['memory', (_folder, now) => [createMemoryVault({ now })], 300],
  [
    'sqlite, two processes',
    (folder, now) => {
      const options = { path: join(folder, 'vault.db'), now }
      return [openSqliteVault(options), openSqliteVault(options)]
    },
    60,
  ],
]

for (const [name, connect, numRuns] of homes) {
  test(`[K6, K7, D14] a session lives as its model does (${name})`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-life-'))
    t.after(() => removeFolder(folder))
    const clock = createClock()
    const vaults = connect(folder, clock.now)
    t.after(() => Promise.all(vaults.map(vault => vault.close())))
    const first = buildStore({ clock, vault: vaults[0], absoluteMs: ABSOLUTE_MS })
    const stores = [first.store, ...(vaults[1] ? [first.another(vaults[1])] : [])]
    const life = fc.array(fc.tuple(steps, fc.nat()), { maxLength: 60, size: 'max' })
    await fc.assert(
      fc.asyncProperty(life, async run => {
        const sessions: Known[] = []
        for (const [[label, step], process] of run) {
          // What another process did is seen in the next turn of the event loop.
          await nextTurn()
          const store = stores[process % stores.length] as SessionStore
          await step({ clock, sessions }, store).catch(error => {
            throw new Error(label, { cause: error })
          })
        }
        for (const { opened } of sessions) await first.store.end(opened[0]?.recordId ?? '')
        assert.deepEqual(first.unreadable, [])
      }),
      { numRuns },
    )
  })
}

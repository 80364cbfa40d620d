// The judge itself: histories that keep every rule, and for each rule some that break it and nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHistory, type Rule, rules } from './check.ts'
import { type Entry, type History, type Outcome, printHistory } from './history.ts'
import { findShortest } from './shortest.ts'

const about = { session: 's', process: 0 }
const login: Entry = { ...about, kind: 'login', patient: 'amy', start: 0, end: 1, outcome: 'ok' }
const read = (start: number, end: number, outcome: Outcome = 'ok', patient = 'amy'): Entry => ({
  ...{ ...about, kind: 'read', start, end, outcome },
  patient: outcome === 'ok' ? patient : undefined,
})
const look = (start: number, end: number, generation: number): Entry => ({
  ...{ ...about, kind: 'look', start, end, outcome: 'ok', generation },
})
const finish = (start: number, end: number, outcome: Outcome = 'ok'): Entry => ({
  ...{ ...about, kind: 'end', start, end, outcome },
})
const renewal = (start: number, mark = 'm'): Entry => ({
  ...{ kind: 'renewal', mark, start, end: start + 1 },
})
const kill = (start: number): Entry => ({
  ...{ kind: 'fault', fault: 'kill', process: 0, start, end: start + 1 },
})

const good: Record<string, History> = {
  'a session from its login to its end': [login, read(2, 3), finish(4, 5), read(6, 7, 'refused')],
  'a read that began before the end was acknowledged': [login, finish(2, 9), read(8, 12)],
  'a read that is refused while the end is under way': [login, finish(2, 9), read(3, 4, 'refused')],
  'an end that nobody acknowledged': [login, finish(2, 3, 'unknown'), read(4, 5), look(6, 7, 1)],
  'answers that say nothing': [login, read(2, 3, 'unknown'), read(4, 5)],
  'looks that overlap': [login, look(2, 9, 2), look(3, 4, 1), look(10, 11, 2)],
  'a refusal that overlaps a good read': [login, finish(2, 3), read(2, 6), read(4, 5, 'refused')],
  'an unacknowledged end that one process knows of': [
    ...[login, finish(2, 3, 'unknown'), read(4, 5, 'refused')],
    { ...read(6, 7), process: 1 } as Entry,
  ],
  'an unacknowledged end that died with its process': [
    ...[login, finish(2, 3, 'unknown'), read(4, 5, 'refused'), kill(6), read(8, 9)],
  ],
  'renewals with a token each': [login, renewal(2, 'a'), renewal(4, 'b')],
  'a token sent again by the heir of a dead process': [renewal(2), kill(3), renewal(9)],
  'a session that a kill in its renewal cost': [
    ...[login, read(2, 3), renewal(4), kill(5)],
    read(9, 10, 'refused'),
  ],
  'a session that a renewal cost whose answer came too late': [
    ...[login, read(2, 3), { ...renewal(4), end: 9_000 } as Entry],
    read(9_100, 9_101, 'refused'),
  ],
  'a login that nobody acknowledged': [{ ...login, outcome: 'unknown' }, read(2, 3, 'refused')],
}

const bad: [Rule, History][] = [
  ['a refresh token was sent twice', [renewal(2), renewal(4)]],
  ['a refresh token was sent twice', [kill(0), renewal(2), renewal(4)]],
  ['a refresh token was sent twice', [renewal(2), kill(3), renewal(9), renewal(12)]],
  ['a read was served after an acknowledged end', [login, finish(2, 3), read(4, 5)]],
  ['a read was served after an acknowledged end', [login, finish(2, 3), look(4, 5, 1)]],
  [
    'a read was served after an acknowledged end',
    [login, finish(2, 3, 'unknown'), finish(4, 5), read(3, 4), read(5.1, 6)],
  ],
  ['an acknowledged session was lost', [login, read(2, 3, 'refused')]],
  ['an acknowledged session was lost', [login, read(2, 3, 'refused'), finish(4, 5)]],
  ['an acknowledged session was lost', [login, renewal(2), read(4, 5, 'refused'), kill(6)]],
  ['an acknowledged session was lost', [login, kill(2), read(9, 10, 'refused')]],
  [
    'an acknowledged session was lost',
    [login, { ...renewal(2), end: 1_000 } as Entry, read(1_100, 1_101, 'refused')],
  ],
  ['a read showed another patient', [login, read(2, 3, 'ok', 'ben')]],
  ['an ended session returned', [login, finish(2, 9), read(3, 4, 'refused'), read(5, 6)]],
  [
    'an ended session returned',
    [login, finish(2, 3, 'unknown'), kill(3), read(4.5, 5, 'refused'), read(6, 7)],
  ],
  ['a generation went back', [login, look(2, 3, 5), look(4, 5, 4)]],
  ['a generation went back', [login, look(2, 9, 7), look(3, 4, 5), look(5, 6, 4)]],
]

for (const [name, history] of Object.entries(good)) {
  test(`the checker finds nothing in ${name}`, () => {
    assert.deepEqual(checkHistory(history).violations, [])
  })
}

for (const [i, [rule, history]] of bad.entries()) {
  test(`the checker sees that ${rule} (${i + 1})`, () => {
    const found = checkHistory(history).violations
    assert.deepEqual(
      found.map(each => each.rule),
      [rule],
    )
  })
}

test('each rule has a history that breaks it', () => {
  assert.deepEqual([...new Set(bad.map(([rule]) => rule))].sort(), [...rules].sort())
})

test('sessions are judged by themselves', () => {
  const other = [finish(2, 3), read(4, 5)].map(entry => ({ ...entry, session: 'other' }) as Entry)
  assert.deepEqual(checkHistory([login, read(6, 7), ...other]).violations, [
    { rule: 'a read was served after an acknowledged end', about: 'other' },
  ])
})

test('the shortest history that shows a violation has nothing that it does not need', () => {
  for (const [rule, history] of bad) {
    const noise = Array.from({ length: 40 }, (_, i) => ({
      ...{ ...read(100 + i, 101 + i, 'unknown'), session: `noise-${i % 7}` },
    })) as Entry[]
    const [violation] = checkHistory(history).violations
    const shortest = findShortest([...noise, ...history, ...noise], violation!)
    assert.ok(shortest.length <= Math.min(history.length, 3), `${rule}\n${printHistory(shortest)}`)
    assert.equal(printHistory(shortest).split('\n').length, shortest.length)
  }
})

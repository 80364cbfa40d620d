// A session's line in time: which points it has, in which order.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importDemo } from './module.ts'

const { listPoints } = await importDemo('session-line.js')

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString()
const session = { createdAt: at(0), idleExpiresAt: at(45), expiresAt: at(720) }

interface Point {
  at: string
  text: string
  isAhead?: boolean
}

const read = (points: Point[]) =>
  points.map(({ text, isAhead }) => `${isAhead ? '○' : '●'} ${text}`)

test('what was comes before what is to come, each at its time', () => {
  const points = listPoints(
    session,
    [{ id: 'one', at: at(30), tokenExpiresAt: at(90) }],
    'General Hospital',
  )
  assert.deepEqual(read(points), [
    '● Signed in at General Hospital: a token for fhirstorm',
    '● Token renewed',
    '○ Ends unless used',
    '○ This token ends; in use it is renewed before',
    '○ Ends in any case',
  ])
  const times = points.map((point: Point) => point.at)
  assert.deepEqual(times, times.toSorted())
})

test('of many renewals the last ones are shown, and how many there were', () => {
  const renewals = Array.from({ length: 9 }, (_, index) => ({ id: 'one', at: at(index + 1) }))
  const lines = read(listPoints(session, renewals, 'EHR')).filter(line => /renewed/.test(line))
  assert.deepEqual(lines, [
    '● Token renewed, after 6 times before',
    '● Token renewed',
    '● Token renewed',
  ])
})

test('where fhirstorm does not tell the life of the token, nothing is said of it', () => {
  assert.deepEqual(read(listPoints(session, [], 'EHR')), [
    '● Signed in at EHR: a token for fhirstorm',
    '○ Ends unless used',
    '○ Ends in any case',
  ])
})

// Dates, ages, names and values as people read them, in a time zone far west, where days are easily lost.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importDemo } from './module.ts'

process.env.TZ = 'Pacific/Honolulu'
const { formatAge, formatDay, formatSpan, speakSpan } = await importDemo('dates.js')
const { dateOf, nameOf, quantityOf, recordNumberOf, summarize, textOf } =
  await importDemo('wording.js')

test('an age changes on the birthday, and is in months for the very young', () => {
  const ages = [
    ['1969-06-30', '2026-06-29T12:00', '56 years'],
    ['1969-06-30', '2026-06-30T12:00', '57 years'],
    ['2026-01-31', '2026-02-28T12:00', '0 months'],
    ['2026-01-15', '2026-02-15T12:00', '1 month'],
    ['2024-07-01', '2026-06-30T12:00', '23 months'],
    ['1969', '2026-06-30T12:00', 'about 57 years'],
    ['2026-05', '2026-06-30T12:00', 'about 1 month'],
  ]
  for (const [born, now = '', age] of ages) assert.equal(formatAge(born, new Date(now)), age)
})

test('a date without a time is that day in every time zone, and a partial one stays partial', () => {
  assert.match(formatDay('2026-01-01'), /\b1\b.*2026/)
  assert.match(formatDay('2026-01-02T09:00:00Z'), /\b1\b.*2026/)
  assert.equal(formatDay('1969'), '1969')
  assert.doesNotMatch(formatDay('2026-03'), /\b1\b/)
  assert.equal(formatDay(undefined), undefined)
})

test('a span below an hour counts seconds, and is spoken in whole ones', () => {
  assert.equal(formatSpan(872), '14:32')
  assert.equal(formatSpan(43_140), '11 h 59 min')
  assert.equal(formatSpan(0), '0:00')
  assert.deepEqual([119, 60, 59, 1].map(speakSpan), [
    '2 minutes',
    '1 minute',
    '59 seconds',
    '1 second',
  ])
})

test('names and concepts are read in the shapes of R4 and DSTU2', () => {
  const r4 = {
    name: [
      { use: 'usual', text: 'Amy' },
      { use: 'official', family: 'Shaw', given: ['A', 'V'] },
    ],
  }
  assert.equal(nameOf(r4), 'A V Shaw')
  assert.equal(nameOf({ name: [{ family: ['Shaw'], given: ['Amy'] }] }), 'Amy Shaw')
  assert.equal(nameOf({}), undefined)
  assert.equal(textOf({ coding: [{ code: 'a' }, { code: 'b', display: 'Words' }] }), 'Words')
  assert.equal(textOf(undefined), undefined)
})

test('a line of a table tells a comparator and both values of a pair', () => {
  const pair = [{ valueQuantity: { value: 120 } }, { valueQuantity: { value: 80, unit: 'mmHg' } }]
  assert.equal(summarize({ component: pair }).value, '120 / 80 mmHg')
  assert.equal(quantityOf({ value: 2.5, unit: '{INR}' }), '2.5')
  assert.equal(quantityOf({ value: 5, comparator: '<', unit: 'mg' }), '<5 mg')
})

test('the date of a resource is one of the record, never when the server last wrote it', () => {
  const meta = { lastUpdated: '2026-01-01T00:00:00Z' }
  assert.equal(dateOf({ meta }), undefined)
  assert.equal(dateOf({ meta, recordedDate: '2001-02-03' }), '2001-02-03')
  assert.equal(dateOf({ onsetDateTime: '1999', recordedDate: '2001-02-03' }), '1999')
  assert.equal(dateOf({ meta, lastOccurrence: '2020-01-01' }), '2020-01-01')
  assert.equal(dateOf({ dateWritten: '2015-05-05' }), '2015-05-05')
})

test('the record number is the one of the hospital where several identifiers are there', () => {
  const mr = { type: { coding: [{ code: 'SS' }, { code: 'MR' }] }, value: 'mr' }
  const others = [{ value: 'first' }, { use: 'usual', value: 'usual' }]
  assert.equal(recordNumberOf({ identifier: [...others, mr] }), 'mr')
  assert.equal(recordNumberOf({ identifier: others }), 'usual')
  assert.equal(recordNumberOf({ identifier: [{ value: 'first' }] }), 'first')
  assert.equal(recordNumberOf({}), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesAt } from '../../sandbox/fhir/resource.ts'
import { searchParameters } from '../../sandbox/fhir/search-parameters.ts'
import { createCalendar } from '../../sandbox/patients/calendar.ts'
import { buildPopulation } from '../../sandbox/patients/population.ts'

const today = new Date('2026-03-01T15:00:00Z')
const population = buildPopulation(createCalendar(today))
const ofType = (type: string) => population.filter(({ resourceType }) => resourceType === type)

test('the population is the same every time', () => {
  assert.deepEqual(buildPopulation(createCalendar(today)), population)
})

test('another day moves the dates and nothing else', () => {
  const values = (day: Date) =>
    buildPopulation(createCalendar(day)).map(one => valuesAt(one, 'valueQuantity.value'))
  assert.deepEqual(values(new Date('2031-07-07')), values(today))
})

test('there are ten patients of all ages', () => {
  const births = ofType('Patient').map(({ birthDate }) => String(birthDate))
  assert.equal(births.length, 10)
  const years = births.map(birth => today.getUTCFullYear() - Number(birth.slice(0, 4)))
  assert.ok(Math.min(...years) <= 1 && Math.max(...years) >= 88)
})

test('each patient has visits, and vitals long enough for a plot', () => {
  for (const { id } of ofType('Patient')) {
    const own = (type: string) =>
      ofType(type).filter(one => valuesAt(one, 'subject.reference')[0] === `Patient/${id}`)
    assert.ok(own('Encounter').length >= 5, id)
    const codes = own('Observation').map(one => String(valuesAt(one, 'code.coding.code')[0]))
    const longest = Math.max(...codes.map(code => codes.filter(one => one === code).length))
    assert.ok(longest >= 16, `${id}: ${longest}`)
  }
})

test('ids are unique, well formed, and of known types; references lead somewhere', () => {
  const known = new Set(population.map(({ resourceType, id }) => `${resourceType}/${id}`))
  assert.equal(known.size, population.length)
  for (const resource of population) {
    assert.match(resource.id, /^[a-z0-9-]{1,64}$/)
    assert.ok(searchParameters.has(resource.resourceType), resource.resourceType)
    const text = JSON.stringify(resource)
    for (const [, reference = ''] of text.matchAll(/"reference":"([^"]+)"/g)) {
      assert.ok(known.has(reference), reference)
    }
  }
})

test('nothing happens before birth or after today', () => {
  const births = new Map(ofType('Patient').map(({ id, birthDate }) => [id, String(birthDate)]))
  for (const resource of population) {
    const owner = String(
      valuesAt(resource, 'subject.reference')[0] ?? valuesAt(resource, 'patient.reference')[0],
    ).replace('Patient/', '')
    for (const path of [
      'effectiveDateTime',
      'onsetDateTime',
      'occurrenceDateTime',
      'recordedDate',
      'effectivePeriod.start',
      'period.start',
    ]) {
      for (const date of valuesAt(resource, path)) {
        assert.ok(String(date) < today.toISOString(), `${resource.id} ${date}`)
        assert.ok(String(date) >= (births.get(owner) ?? ''), `${resource.id} ${date}`)
      }
    }
  }
})

/** A patient's observations of a LOINC code, newest first. */
function measured(patient: string, code: string) {
  return ofType('Observation').filter(
    one =>
      valuesAt(one, 'subject.reference')[0] === `Patient/${patient}` &&
      valuesAt(one, 'code.coding.code').includes(code),
  )
}

const ageOf = ({ birthDate }: (typeof population)[number]) =>
  (today.getTime() - Date.parse(String(birthDate))) / (365.25 * 86_400_000)
const grown = ofType('Patient').filter(patient => ageOf(patient) >= 18)
const children = ofType('Patient').filter(patient => ageOf(patient) < 18)

// What risk calculators look for: unit, and what can be in a person.
const risks: [code: string, unit: string, low: number, high: number][] = [
  ['2093-3', 'mg/dL', 120, 320],
  ['2085-9', 'mg/dL', 25, 90],
  ['13457-7', 'mg/dL', 50, 220],
  ['2089-1', 'mg/dL', 50, 220],
  ['2571-8', 'mg/dL', 50, 400],
  ['30522-7', 'mg/L', 0.2, 10],
  ['4548-4', '%', 4, 14],
  ['2160-0', 'mg/dL', 0.4, 2],
  ['8480-6', 'mmHg', 90, 180],
  ['8462-4', 'mmHg', 50, 110],
]
test('every grown-up has what risk calculators read, over time and newest first', () => {
  assert.equal(grown.length, 7)
  for (const { id } of grown) {
    for (const [code, unit, low, high] of risks) {
      const found = measured(id, code)
      assert.ok(found.length >= 3, `${id} ${code}`)
      for (const one of found) {
        assert.equal(valuesAt(one, 'valueQuantity.unit')[0], unit)
        const value = Number(valuesAt(one, 'valueQuantity.value')[0])
        assert.ok(value >= low && value <= high, `${one.id}: ${value}`)
      }
      const dates = found.map(({ effectiveDateTime }) => String(effectiveDateTime))
      assert.deepEqual(dates, dates.toSorted().toReversed())
    }
    const [smoking] = measured(id, '72166-2')
    assert.match(String(valuesAt(smoking, 'valueCodeableConcept.coding.code')), /^\d+$/)
    assert.equal(measured(id, '55284-4').length, measured(id, '85354-9').length)
  }
})

test('lipids of one day fit together, as they do where LDL is calculated', () => {
  for (const { id } of grown) {
    const value = (code: string) =>
      Number(valuesAt(measured(id, code)[0], 'valueQuantity.value')[0])
    const expected = value('2093-3') - value('2085-9') - value('2571-8') / 5
    assert.ok(Math.abs(value('2089-1') - expected) < 15, id)
  }
})

test('every child has grown since birth, under the codes of old and new growth charts', () => {
  assert.equal(children.length, 3)
  for (const child of children) {
    const years = ageOf(child)
    for (const code of ['29463-7', '3141-9', '8302-2', '39156-5']) {
      const found = measured(child.id, code)
      assert.ok(found.length >= 18, `${child.id} ${code}`)
      const first = Date.parse(String(found.at(-1)?.effectiveDateTime))
      assert.ok(first - Date.parse(String(child.birthDate)) < 40 * 86_400_000, child.id)
    }
    for (const code of ['9843-4', '8287-5']) {
      assert.ok(measured(child.id, code).length >= Math.min(3, years) * 4, child.id)
    }
    assert.equal(measured(child.id, '11884-4').length, 1)
    const parents = ofType('FamilyMemberHistory').filter(
      one => valuesAt(one, 'patient.reference')[0] === `Patient/${child.id}`,
    )
    assert.deepEqual(
      parents.map(one => valuesAt(one, 'relationship.coding.code')[0]),
      ['MTH', 'FTH'],
    )
    for (const one of parents) {
      assert.ok(Number(valuesAt(one, 'extension.valueQuantity.value')[0]) > 140)
    }
  }
  assert.equal(measured('daniel-okafor', '37362-1').length, 3)
})

test('every record has a number, a summary as a PDF and a picture', () => {
  const numbers = ofType('Patient').map(one => String(valuesAt(one, 'identifier.value')[0]))
  assert.equal(new Set(numbers).size, 10)
  for (const number of numbers) assert.match(number, /^\d{6}$/)
  for (const { id } of ofType('Patient')) {
    const binary = ofType('Binary').find(one => one.id === `${id}-summary-content`)
    const pdf = Buffer.from(String(binary?.data), 'base64').toString('latin1')
    assert.match(pdf, /^%PDF-1\.4\n/)
    const [, start = ''] = /startxref\n(\d+)\n%%EOF\n$/.exec(pdf) ?? []
    assert.ok(pdf.startsWith('xref\n', Number(start)))
    // Each row of the table is where its object begins.
    for (const [index, [, offset]] of [...pdf.matchAll(/^(\d{10}) 00000 n $/gm)].entries()) {
      assert.ok(pdf.startsWith(`${index + 1} 0 obj`, Number(offset)))
    }
    const [, length = ''] = /<< \/Length (\d+) >>/.exec(pdf) ?? []
    const stream = pdf.indexOf('stream\n') + 'stream\n'.length
    assert.ok(pdf.startsWith('\nendstream', stream + Number(length)))
    assert.match(
      pdf,
      new RegExp(
        `record ${
          valuesAt(
            ofType('Patient').find(one => one.id === id),
            'identifier.value',
          )[0]
        }`,
      ),
    )
  }
})

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
      'period.start',
    ]) {
      for (const date of valuesAt(resource, path)) {
        assert.ok(String(date) < today.toISOString(), `${resource.id} ${date}`)
        assert.ok(String(date) >= (births.get(owner) ?? ''), `${resource.id} ${date}`)
      }
    }
  }
})

// The observations of a story: each series sampled on its days, with chance from the patient's id. Pure.

import type { Quantity, Reference, Resource } from '../fhir/resource.ts'
import { type Calendar, DAYS_A_YEAR } from './calendar.ts'
import { concept, smoking, systems } from './coding.ts'
import type { Moment } from './curve.ts'
import { type Measure, type MeasureName, measures } from './measure.ts'
import { createRandom, type Random } from './random.ts'
import type { Series, Story } from './story.ts'

/** All observations of a story, newest first within each series. */
export function buildObservations(story: Story, calendar: Calendar): Resource[] {
  return [
    ...story.series.flatMap(one => buildSeries(story, one, calendar)),
    ...buildSmoking(story, calendar),
  ]
}

function buildSmoking(story: Story, calendar: Calendar): Resource[] {
  const { smoking: history = [] } = story
  const observations = history.map(([status, yearsAgo], index) => ({
    resourceType: 'Observation',
    id: `${story.id}-smoking-${index + 1}`,
    status: 'final',
    category: [concept(systems.observationCategory, 'social-history', 'Social History')],
    code: concept(systems.loinc, '72166-2', 'Tobacco smoking status'),
    subject: subjectOf(story),
    effectiveDateTime: calendar.instant(yearsAgo * DAYS_A_YEAR, 9, 10),
    performer: [physician],
    valueCodeableConcept: smoking[status],
  }))
  return observations.reverse()
}

function buildSeries(story: Story, one: Series, calendar: Calendar): Resource[] {
  const name = 'panel' in one ? one.panel : one.measure
  const random = createRandom(`${story.id}/${name}`)
  const count = Math.floor((one.days - (one.until ?? 0)) / one.every) + 1
  const observations = Array.from({ length: count }, (_, index) => {
    const daysAgo = one.days - index * one.every + 1
    const moment: Moment = {
      daysAgo,
      progress: index / Math.max(1, count - 1),
      ageYears: story.ageYears - daysAgo / DAYS_A_YEAR,
    }
    return {
      resourceType: 'Observation',
      id: `${story.id}-${kebab(name)}-${index + 1}`,
      status: 'final',
      ...describe(name),
      subject: subjectOf(story),
      effectiveDateTime: calendar.instant(daysAgo, random.between(8, 17), random.between(0, 59)),
      performer: [physician],
      ...value(one, moment, random),
    } satisfies Resource
  })
  return observations.reverse()
}

const panel: Pick<Measure, 'code' | 'display' | 'also' | 'category'> = {
  code: '85354-9',
  display: 'Blood pressure panel',
  also: [['55284-4', 'Blood pressure systolic and diastolic']],
  category: 'vital-signs',
}

function describe(name: MeasureName | 'bloodPressure') {
  const {
    code,
    display,
    also = [],
    category,
  }: typeof panel = name === 'bloodPressure' ? panel : measures[name]
  const { coding = [], text } = concept(systems.loinc, code, display)
  const older = also.flatMap(([code, words]) => concept(systems.loinc, code, words).coding ?? [])
  return {
    category: [concept(systems.observationCategory, category, categories[category])],
    code: { coding: [...coding, ...older], text },
  }
}

const categories = {
  'vital-signs': 'Vital Signs',
  laboratory: 'Laboratory',
  imaging: 'Imaging',
} as const

function value(one: Series, moment: Moment, random: Random) {
  const noise = () => one.noise * random.spread()
  if (!('panel' in one)) {
    const measure: Measure = measures[one.measure]
    return {
      valueQuantity: quantity(measure, one.curve(moment) + noise()),
      ...referenceRange(measure),
    }
  }
  if (one.panel === 'bmi') {
    const metres = one.height(moment) / 100
    return { valueQuantity: quantity(measures.bmi, one.weight(moment) / metres ** 2 + noise()) }
  }
  return {
    component: [
      component(measures.systolic, one.systolic(moment) + noise()),
      component(measures.diastolic, one.diastolic(moment) + noise() * 0.6),
    ],
  }
}

function component(measure: Measure, value: number) {
  return {
    code: concept(systems.loinc, measure.code, measure.display),
    valueQuantity: quantity(measure, value),
  }
}

function referenceRange(measure: Measure) {
  if (measure.reference === undefined) return {}
  const [low, high] = measure.reference.map(end =>
    end === undefined ? undefined : quantity(measure, end),
  )
  return { referenceRange: [{ ...(low && { low }), ...(high && { high }) }] }
}

function quantity({ unit, ucum, decimals }: Measure, value: number): Quantity {
  return { value: Number(value.toFixed(decimals)), unit, system: systems.ucum, code: ucum }
}

const physician: Reference = {
  reference: 'Practitioner/maria-rivera',
  display: 'Dr. Maria Rivera',
}

function subjectOf({ id, given, family }: Story): Reference {
  return { reference: `Patient/${id}`, display: `${given[0]} ${family}` }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

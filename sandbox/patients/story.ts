// A patient as a story: who it is, what troubles them, and what was measured over the years. Records
// are made of stories by population.ts.

import type { allergens, drugs, problems, smoking, vaccines } from './coding.ts'
import type { Curve } from './curve.ts'
import type { MeasureName } from './measure.ts'

export interface Story {
  id: string
  given: readonly string[]
  family: string
  /** A name in another script, as some records have. */
  otherName?: string
  gender: 'female' | 'male'
  ageYears: number
  city: string
  /** Days between visits, and how many days back the first one lies. */
  visits: { every: number; days: number; reason: string }
  problems?: readonly Problem[]
  medications?: readonly Medication[]
  allergies?: readonly Allergy[]
  /** Whether the patient smoked, oldest first. */
  smoking?: readonly (readonly [status: keyof typeof smoking, yearsAgo: number])[]
  /** Heights of the parents in centimetres. */
  parents?: { mother: number; father: number }
  immunizations?: readonly (readonly [vaccine: keyof typeof vaccines, ageYears: number])[]
  series: readonly Series[]
  /** The newest letter about the patient, as plain text. */
  letter?: string
}

export interface Problem {
  problem: keyof typeof problems
  yearsAgo: number
  resolved?: boolean
}

export interface Medication {
  drug: keyof typeof drugs
  dose: string
  yearsAgo: number
  stopped?: boolean
}

export interface Allergy {
  allergen: keyof typeof allergens
  category: 'medication' | 'food' | 'environment'
  yearsAgo: number
  reaction: string
  criticality: 'low' | 'high'
}

export interface Timing {
  /** Days between two measurements, and how many days back the first one lies, and the last one. */
  every: number
  days: number
  until?: number
}

export type Series = Timing &
  (
    | { measure: MeasureName; curve: Curve; noise: number }
    | { panel: 'bloodPressure'; systolic: Curve; diastolic: Curve; noise: number }
    | { panel: 'bmi'; weight: Curve; height: Curve; noise: number }
  )

/** One value over time. */
export function series(measure: MeasureName, timing: Timing, curve: Curve, noise: number): Series {
  return { measure, curve, noise, ...timing }
}

/** Systolic and diastolic pressure in one observation. */
export function bloodPressure(
  timing: Timing,
  systolic: Curve,
  diastolic: Curve,
  noise = 6,
): Series {
  return { panel: 'bloodPressure', systolic, diastolic, noise, ...timing }
}

/** Weight, height and what follows from both. */
export function growth(timing: Timing, weight: Curve, height: Curve, noise: number): Series[] {
  return [
    series('weight', timing, weight, noise),
    series('height', timing, height, noise * 0.6),
    { panel: 'bmi', weight, height, noise: noise * 0.3, ...timing },
  ]
}

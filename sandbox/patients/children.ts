// The sandbox's children. Invented; growth runs along ordinary growth charts.

import { DAYS_A_YEAR } from './calendar.ts'
import { byAge, line, settle, waving } from './curve.ts'
import { boys, type Growth, girls } from './growth-curves.ts'
import { bloodPressure, growth, type Series, type Story, series, type Timing } from './story.ts'

/** Growth from birth: head to the third birthday, and how long the pregnancy was. */
function grown(ageYears: number, every: number, curves: Growth, weeks: number): Series[] {
  const days = Math.floor(ageYears * DAYS_A_YEAR) - 1
  const timing: Timing = { every, days }
  const headUntil = Math.max(0, Math.floor((ageYears - 3) * DAYS_A_YEAR))
  return [
    ...growth(timing, curves.weight, curves.height, ageYears < 2 ? 0.12 : 0.3),
    series('headCircumference', { ...timing, until: headUntil }, curves.head, 0.2),
    series('gestationalAge', { every: 1, days, until: days }, line(weeks, weeks), 0),
  ]
}

const benOrtega: Story = {
  id: 'ben-ortega',
  given: ['Benicio'],
  family: 'Ortega Peña',
  gender: 'male',
  ageYears: 0.72,
  parents: { mother: 163, father: 178 },
  city: 'Aurora',
  visits: { every: 45, days: 255, reason: 'Well-baby visit' },
  problems: [{ problem: 'otitis', yearsAgo: 0.2, resolved: true }],
  medications: [
    { drug: 'amoxicillin', dose: '5 mL twice a day for ten days', yearsAgo: 0.2, stopped: true },
  ],
  immunizations: [
    ['hepatitisB', 0.01],
    ['hepatitisB', 0.17],
    ['rotavirus', 0.17],
    ['dtap', 0.17],
    ['polio', 0.17],
    ['pneumococcal', 0.17],
    ['rotavirus', 0.34],
    ['dtap', 0.34],
    ['polio', 0.34],
    ['pneumococcal', 0.34],
    ['dtap', 0.5],
    ['hepatitisB', 0.5],
  ],
  series: [
    ...grown(0.72, 15, boys, 39.4),
    series('temperature', { every: 45, days: 255 }, line(36.9, 36.8), 0.2),
  ],
}

const chloeNguyen: Story = {
  id: 'chloe-nguyen',
  given: ['Chloe', 'Mai'],
  family: 'Nguyen',
  otherName: 'Nguyễn Mai',
  gender: 'female',
  ageYears: 6.5,
  parents: { mother: 157, father: 169 },
  city: 'Joliet',
  visits: { every: 90, days: 1440, reason: 'Asthma follow-up' },
  problems: [
    { problem: 'asthma', yearsAgo: 3.1 },
    { problem: 'eczema', yearsAgo: 5.4 },
  ],
  medications: [
    { drug: 'fluticasone', dose: '2 puffs twice a day with a spacer', yearsAgo: 2.2 },
    { drug: 'albuterol', dose: '2 puffs as needed for wheeze', yearsAgo: 3.1 },
  ],
  allergies: [
    {
      allergen: 'peanut',
      category: 'food',
      yearsAgo: 4.9,
      reaction: 'Anaphylaxis',
      criticality: 'high',
    },
  ],
  immunizations: [
    ['mmr', 1.1],
    ['mmr', 4.2],
    ['dtap', 4.2],
    ['polio', 4.2],
    ['influenza', 5.9],
  ],
  series: [
    ...grown(6.5, 60, girls, 38.1),
    series('peakFlow', { every: 10, days: 500 }, waving(settle(128, 172, 2), 14, 120), 7),
    series('oxygenSaturation', { every: 90, days: 1440 }, line(96, 98), 0.8),
    series('respiratoryRate', { every: 90, days: 1440 }, line(26, 21), 1.5),
  ],
}

// In months, a little behind the calendar, as with long illness.
const boneAge = [
  [8, 92],
  [11, 127],
  [15, 174],
] as const

const danielOkafor: Story = {
  id: 'daniel-okafor',
  given: ['Daniel', 'Chidi'],
  family: 'Okafor',
  gender: 'male',
  ageYears: 15.3,
  parents: { mother: 168, father: 183 },
  city: 'Peoria',
  visits: { every: 91, days: 1456, reason: 'Diabetes in youth clinic' },
  problems: [{ problem: 'diabetes1', yearsAgo: 4.3 }],
  medications: [
    { drug: 'insulinGlargine', dose: '22 units at bedtime', yearsAgo: 4.3 },
    { drug: 'insulinLispro', dose: '1 unit for 10 g of carbohydrate', yearsAgo: 4.3 },
  ],
  immunizations: [
    ['tdap', 11.4],
    ['hpv', 11.4],
    ['hpv', 12],
    ['influenza', 14.6],
  ],
  series: [
    ...grown(15.3, 91, boys, 40.2),
    series('boneAge', { every: 1096, days: 2557, until: 300 }, byAge(boneAge), 0),
    series('hba1c', { every: 91, days: 1456 }, waving(settle(11.2, 7.6, 6), 0.4, 365), 0.2),
    series('glucose', { every: 2, days: 180 }, waving(line(168, 156), 24, 30), 34),
    bloodPressure({ every: 182, days: 1456 }, line(108, 117), line(62, 70), 4),
  ],
}

export const children: readonly Story[] = [benOrtega, chloeNguyen, danielOkafor]

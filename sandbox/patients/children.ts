// The sandbox's children. Invented; growth runs along ordinary growth charts.

import { byAge, line, settle, waving } from './curve.ts'
import { bloodPressure, growth, type Story, series } from './story.ts'

const boyWeight = byAge([
  [0, 3.4],
  [0.08, 4.5],
  [0.25, 6.4],
  [0.5, 7.9],
  [0.75, 8.9],
  [1, 9.6],
  [2, 12.2],
  [4, 16.3],
  [6, 20.7],
  [8, 25.6],
  [10, 31.2],
  [12, 39.8],
  [14, 50.8],
  [16, 60.8],
  [18, 67.2],
])
const boyHeight = byAge([
  [0, 49.9],
  [0.08, 54.7],
  [0.25, 61.4],
  [0.5, 67.6],
  [0.75, 72],
  [1, 75.7],
  [2, 87.1],
  [4, 103.3],
  [6, 116],
  [8, 127.3],
  [10, 137.8],
  [12, 149.1],
  [14, 163.2],
  [16, 172.9],
  [18, 176.1],
])
const girlWeight = byAge([
  [0, 3.2],
  [0.25, 5.8],
  [0.5, 7.3],
  [1, 8.9],
  [2, 11.5],
  [3, 13.9],
  [4, 16.1],
  [5, 18.2],
  [6, 20.2],
  [7, 22.4],
])
const girlHeight = byAge([
  [0, 49.1],
  [0.25, 59.8],
  [0.5, 65.7],
  [1, 74],
  [2, 85.7],
  [3, 95.1],
  [4, 102.7],
  [5, 109.4],
  [6, 115.1],
  [7, 120.8],
])

const benOrtega: Story = {
  id: 'ben-ortega',
  given: ['Benicio'],
  family: 'Ortega Peña',
  gender: 'male',
  ageYears: 0.72,
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
    ...growth({ every: 15, days: 255 }, boyWeight, boyHeight, 0.12),
    series(
      'headCircumference',
      { every: 15, days: 255 },
      byAge([
        [0, 34.5],
        [0.25, 40.5],
        [0.5, 43.3],
        [1, 46.1],
      ]),
      0.2,
    ),
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
  allergies: [{ allergen: 'peanut', reaction: 'Anaphylaxis', criticality: 'high' }],
  immunizations: [
    ['mmr', 1.1],
    ['mmr', 4.2],
    ['dtap', 4.2],
    ['polio', 4.2],
    ['influenza', 5.9],
  ],
  series: [
    ...growth({ every: 90, days: 2340 }, girlWeight, girlHeight, 0.25),
    series('peakFlow', { every: 10, days: 500 }, waving(settle(128, 172, 2), 14, 120), 7),
    series('oxygenSaturation', { every: 90, days: 1440 }, line(96, 98), 0.8),
    series('respiratoryRate', { every: 90, days: 1440 }, line(26, 21), 1.5),
  ],
}

const danielOkafor: Story = {
  id: 'daniel-okafor',
  given: ['Daniel', 'Chidi'],
  family: 'Okafor',
  gender: 'male',
  ageYears: 15.3,
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
    ...growth({ every: 91, days: 3640 }, boyWeight, boyHeight, 0.5),
    series('hba1c', { every: 91, days: 1456 }, waving(settle(11.2, 7.6, 6), 0.4, 365), 0.2),
    series('glucose', { every: 2, days: 180 }, waving(line(168, 156), 24, 30), 34),
    bloodPressure({ every: 182, days: 1456 }, line(108, 117), line(62, 70), 4),
  ],
}

export const children: readonly Story[] = [benOrtega, chloeNguyen, danielOkafor]

// The sandbox's oldest patients. Invented.

import { line, settle, through, waving } from './curve.ts'
import { bloodPressure, growth, type Story, series } from './story.ts'

const ireneKowalski: Story = {
  id: 'irene-kowalski',
  given: ['Irene'],
  family: 'Kowalski',
  gender: 'female',
  ageYears: 74.9,
  city: 'Cicero',
  visits: { every: 91, days: 1820, reason: 'Kidney clinic' },
  problems: [
    { problem: 'kidneyDisease', yearsAgo: 5 },
    { problem: 'hypertension', yearsAgo: 22 },
  ],
  medications: [{ drug: 'losartan', dose: '1 tablet in the morning', yearsAgo: 5 }],
  allergies: [{ allergen: 'sulfonamide', reaction: 'Swelling of the face', criticality: 'high' }],
  immunizations: [
    ['influenza', 74.2],
    ['influenza', 73.2],
  ],
  series: [
    series('egfr', { every: 91, days: 1820 }, line(57, 38), 2),
    series('creatinine', { every: 91, days: 1820 }, line(1.05, 1.48), 0.05),
    series('potassium', { every: 91, days: 1820 }, line(4.3, 5), 0.2),
    bloodPressure({ every: 28, days: 1820 }, settle(151, 134, 2), settle(84, 74, 2), 7),
    ...growth({ every: 91, days: 1820 }, line(63, 59.5), line(158, 156.5), 0.4),
  ],
}

const jackOConnor: Story = {
  id: 'jack-oconnor',
  given: ['John', 'Patrick'],
  family: "O'Connor",
  gender: 'male',
  ageYears: 88.2,
  city: 'Springfield',
  visits: { every: 28, days: 560, reason: 'Anticoagulation clinic' },
  problems: [
    { problem: 'copd', yearsAgo: 14 },
    { problem: 'atrialFibrillation', yearsAgo: 6 },
  ],
  medications: [
    { drug: 'tiotropium', dose: '1 capsule inhaled once a day', yearsAgo: 9 },
    { drug: 'warfarin', dose: 'As directed by the clinic', yearsAgo: 6 },
  ],
  immunizations: [
    ['influenza', 87.5],
    ['pneumococcal', 80.1],
  ],
  series: [
    series(
      'inr',
      { every: 14, days: 560 },
      waving(
        through([
          [0, 2.1],
          [0.4, 2.6],
          [0.5, 4.2],
          [0.6, 2.4],
          [1, 2.5],
        ]),
        0.2,
        70,
      ),
      0.2,
    ),
    series('oxygenSaturation', { every: 7, days: 560 }, waving(line(93, 90), 1.4, 180), 1),
    series('heartRate', { every: 7, days: 560 }, waving(line(82, 78), 5, 90), 6),
    bloodPressure({ every: 28, days: 560 }, line(138, 132), line(76, 72), 7),
    ...growth({ every: 28, days: 560 }, line(71, 66.5), line(174, 174), 0.5),
  ],
}

export const elders: readonly Story[] = [ireneKowalski, jackOConnor]

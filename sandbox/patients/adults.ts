// The sandbox's grown-up patients. Invented.

import { line, settle, through, waving } from './curve.ts'
import { bloodPressure, growth, type Story, series } from './story.ts'

const monthly = { every: 28, days: 1120 }
const quarterly = { every: 84, days: 1120 }

const amyShaw: Story = {
  id: 'amy-shaw',
  given: ['Amy', 'Victoria'],
  family: 'Shaw',
  gender: 'female',
  ageYears: 57.4,
  city: 'Mounds',
  visits: { every: 84, days: 1120, reason: 'Diabetes follow-up' },
  problems: [
    { problem: 'diabetes2', yearsAgo: 6.2 },
    { problem: 'hypertension', yearsAgo: 9.5 },
    { problem: 'hyperlipidemia', yearsAgo: 4.1 },
  ],
  medications: [
    { drug: 'metformin', dose: '2 tablets with the evening meal', yearsAgo: 6.1 },
    { drug: 'lisinopril', dose: '1 tablet in the morning', yearsAgo: 3 },
    { drug: 'atorvastatin', dose: '1 tablet at bedtime', yearsAgo: 2.4 },
  ],
  allergies: [{ allergen: 'penicillin', reaction: 'Hives', criticality: 'high' }],
  immunizations: [
    ['influenza', 56.9],
    ['influenza', 55.9],
    ['tdap', 51.2],
  ],
  series: [
    bloodPressure({ every: 14, days: 1120 }, settle(158, 126, 4), settle(97, 79, 4)),
    series('heartRate', monthly, settle(84, 72), 4),
    ...growth(monthly, settle(94.5, 81.5, 3), line(166, 166), 0.5),
    series('hba1c', quarterly, settle(9.4, 6.7, 4), 0.15),
    series('glucose', monthly, settle(212, 128, 4), 14),
    series('ldl', quarterly, settle(162, 84, 5), 6),
    series('egfr', quarterly, line(82, 76), 3),
  ],
  letter: `Amy Shaw has done well over the past year. Her HbA1c is below 7 % for the third time in a row,
her blood pressure at home is within the goal, and she has lost thirteen kilograms since she began.
We go on as before and meet again in three months.`,
}

const faridHaddad: Story = {
  id: 'farid-haddad',
  given: ['Farid'],
  family: 'Haddad',
  gender: 'male',
  ageYears: 41.8,
  city: 'Skokie',
  visits: { every: 56, days: 560, reason: 'Weight management' },
  problems: [
    { problem: 'obesity', yearsAgo: 8 },
    { problem: 'sleepApnea', yearsAgo: 3.3 },
  ],
  medications: [{ drug: 'semaglutide', dose: '0.5 mg under the skin once a week', yearsAgo: 1.4 }],
  series: [
    ...growth({ every: 7, days: 560 }, settle(131, 104, 2.4), line(181, 181), 0.7),
    bloodPressure({ every: 28, days: 560 }, settle(144, 128, 3), settle(92, 82, 3)),
    series('heartRate', { every: 28, days: 560 }, settle(88, 74), 4),
    series('hba1c', { every: 112, days: 560 }, settle(6.3, 5.5), 0.1),
  ],
}

const elenaRossi: Story = {
  id: 'elena-rossi',
  given: ['Elena'],
  family: 'Rossi',
  gender: 'female',
  ageYears: 29.6,
  city: 'Evanston',
  visits: { every: 14, days: 210, reason: 'Prenatal visit' },
  problems: [
    { problem: 'pregnancy', yearsAgo: 0.58 },
    { problem: 'ironDeficiency', yearsAgo: 0.3 },
    { problem: 'migraine', yearsAgo: 7, resolved: true },
  ],
  medications: [{ drug: 'ferrousSulfate', dose: '1 tablet every other day', yearsAgo: 0.3 }],
  allergies: [{ allergen: 'latex', reaction: 'Itching', criticality: 'low' }],
  series: [
    ...growth({ every: 14, days: 210 }, line(61.5, 72.8), line(169, 169), 0.3),
    bloodPressure(
      { every: 14, days: 210 },
      through([
        [0, 112],
        [0.5, 106],
        [1, 118],
      ]),
      line(70, 74),
      4,
    ),
    series('heartRate', { every: 14, days: 210 }, line(74, 88), 4),
    series(
      'hemoglobin',
      { every: 28, days: 210 },
      through([
        [0, 12.8],
        [0.5, 10.4],
        [1, 11.6],
      ]),
      0.2,
    ),
  ],
}

const graceLindqvist: Story = {
  id: 'grace-lindqvist',
  given: ['Grace', 'Märta'],
  family: 'Lindqvist',
  gender: 'female',
  ageYears: 49.1,
  city: 'Rockford',
  visits: { every: 120, days: 960, reason: 'Thyroid follow-up' },
  problems: [
    { problem: 'hypothyroidism', yearsAgo: 2.7 },
    { problem: 'migraine', yearsAgo: 20 },
  ],
  medications: [{ drug: 'levothyroxine', dose: '1 tablet on an empty stomach', yearsAgo: 2.6 }],
  allergies: [{ allergen: 'sulfonamide', reaction: 'Rash', criticality: 'low' }],
  series: [
    series('tsh', { every: 60, days: 960 }, settle(11.8, 2.1, 6), 0.25),
    series('heartRate', { every: 60, days: 960 }, settle(54, 68, 5), 3),
    ...growth({ every: 60, days: 960 }, settle(74, 68, 4), line(171, 171), 0.5),
    bloodPressure({ every: 60, days: 960 }, line(122, 118), line(78, 76), 5),
  ],
}

const hiroTanaka: Story = {
  id: 'hiro-tanaka',
  given: ['Hiro'],
  family: 'Tanaka',
  otherName: '田中 寛',
  gender: 'male',
  ageYears: 66.3,
  city: 'Naperville',
  visits: { every: 30, days: 360, reason: 'Heart failure clinic' },
  problems: [
    { problem: 'heartFailure', yearsAgo: 1.9 },
    { problem: 'hypertension', yearsAgo: 15 },
  ],
  medications: [
    { drug: 'sacubitril', dose: '1 tablet twice a day', yearsAgo: 1.2 },
    { drug: 'carvedilol', dose: '1 tablet twice a day', yearsAgo: 1.8 },
    { drug: 'furosemide', dose: '1 tablet in the morning, 2 when weight rises', yearsAgo: 1.9 },
  ],
  series: [
    series(
      'weight',
      { every: 1, days: 180 },
      waving(
        through([
          [0, 79],
          [0.45, 83.5],
          [0.55, 78.4],
          [1, 77.6],
        ]),
        0.4,
        9,
      ),
      0.3,
    ),
    bloodPressure({ every: 7, days: 360 }, settle(141, 118, 3), settle(86, 72, 3)),
    series('heartRate', { every: 7, days: 360 }, settle(92, 66, 3), 4),
    series(
      'oxygenSaturation',
      { every: 7, days: 360 },
      through([
        [0, 93],
        [0.7, 91],
        [1, 96],
      ]),
      1,
    ),
    series('ntProBnp', { every: 60, days: 360 }, settle(3900, 780, 3), 120),
    series('potassium', { every: 60, days: 360 }, line(4.4, 4.8), 0.2),
  ],
}

export const adults: readonly Story[] = [
  amyShaw,
  elenaRossi,
  faridHaddad,
  graceLindqvist,
  hiroTanaka,
]

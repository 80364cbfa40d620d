// The sandbox's oldest patients. Invented.

import { line, settle, through, waving } from './curve.ts'
import { riskProfile } from './risk.ts'
import { bloodPressure, growth, type Story, series } from './story.ts'

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
  smoking: [
    ['daily', 8.1],
    ['former', 1.8],
    ['former', 0.1],
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
    ...riskProfile(
      { every: 90, days: 360 },
      {
        cholesterol: [182, 150],
        hdl: [41, 44],
        triglycerides: [145, 120],
        hsCrp: [5.8, 2.2],
        hba1c: [5.8, 5.7],
        creatinine: [1.28, 1.14],
        systolic: [138, 118],
        diastolic: [84, 72],
      },
    ),
  ],
}

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
  allergies: [
    {
      allergen: 'sulfonamide',
      category: 'medication',
      yearsAgo: 33.5,
      reaction: 'Swelling of the face',
      criticality: 'high',
    },
  ],
  immunizations: [
    ['influenza', 74.2],
    ['influenza', 73.2],
  ],
  smoking: [['never', 4.9]],
  series: [
    series('egfr', { every: 91, days: 1820 }, line(57, 38), 2),
    series('creatinine', { every: 91, days: 1820 }, line(1.05, 1.48), 0.05),
    series('potassium', { every: 91, days: 1820 }, line(4.3, 5), 0.2),
    bloodPressure({ every: 28, days: 1820 }, settle(151, 134, 2), settle(84, 74, 2), 7),
    ...growth({ every: 91, days: 1820 }, line(63, 59.5), line(158, 156.5), 0.4),
    ...riskProfile(
      { every: 364, days: 1820 },
      {
        cholesterol: [205, 188],
        hdl: [55, 52],
        triglycerides: [165, 170],
        hsCrp: [3.1, 3.4],
        hba1c: [5.6, 5.7],
        systolic: [149, 134],
        diastolic: [83, 74],
      },
    ),
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
  smoking: [
    ['daily', 16],
    ['former', 13.5],
    ['former', 0.5],
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
    ...riskProfile(
      { every: 140, days: 560 },
      {
        cholesterol: [168, 154],
        hdl: [49, 47],
        triglycerides: [110, 115],
        hsCrp: [4.6, 5.2],
        hba1c: [5.6, 5.7],
        creatinine: [1.02, 1.16],
        systolic: [138, 132],
        diastolic: [76, 72],
      },
    ),
  ],
}

export const elders: readonly Story[] = [hiroTanaka, ireneKowalski, jackOConnor]

// The sandbox's grown-up patients. Invented.

import { line, settle, through } from './curve.ts'
import { riskProfile } from './risk.ts'
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
  allergies: [
    {
      allergen: 'penicillin',
      category: 'medication',
      yearsAgo: 41,
      reaction: 'Hives',
      criticality: 'high',
    },
  ],
  immunizations: [
    ['influenza', 56.9],
    ['influenza', 55.9],
    ['tdap', 51.2],
  ],
  smoking: [
    ['daily', 9.5],
    ['former', 5.2],
    ['former', 0.2],
  ],
  series: [
    bloodPressure({ every: 14, days: 1120 }, settle(158, 126, 4), settle(97, 79, 4)),
    series('heartRate', monthly, settle(84, 72), 4),
    ...growth(monthly, settle(94.5, 81.5, 3), line(166, 166), 0.5),
    series('hba1c', quarterly, settle(9.4, 6.7, 4), 0.15),
    series('glucose', monthly, settle(212, 128, 4), 14),
    ...riskProfile(quarterly, {
      cholesterol: [248, 168],
      hdl: [44, 52],
      triglycerides: [210, 150],
      hsCrp: [3.9, 1.8],
      creatinine: [0.84, 0.9],
      systolic: [146, 126],
      diastolic: [90, 79],
    }),
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
  smoking: [
    ['daily', 1.5],
    ['daily', 0.3],
  ],
  series: [
    ...growth({ every: 7, days: 560 }, settle(131, 104, 2.4), line(181, 181), 0.7),
    bloodPressure({ every: 28, days: 560 }, settle(144, 128, 3), settle(92, 82, 3)),
    series('heartRate', { every: 28, days: 560 }, settle(88, 74), 4),
    series('hba1c', { every: 112, days: 560 }, settle(6.3, 5.5), 0.1),
    ...riskProfile(
      { every: 112, days: 560 },
      {
        cholesterol: [214, 186],
        hdl: [38, 45],
        triglycerides: [190, 130],
        hsCrp: [4.2, 1.9],
        creatinine: [0.98, 0.95],
        systolic: [142, 128],
        diastolic: [91, 82],
      },
    ),
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
  allergies: [
    {
      allergen: 'latex',
      category: 'environment',
      yearsAgo: 6.4,
      reaction: 'Itching',
      criticality: 'low',
    },
  ],
  smoking: [['never', 0.5]],
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
    ...riskProfile(
      { every: 105, days: 210 },
      {
        cholesterol: [172, 238],
        hdl: [58, 68],
        triglycerides: [92, 190],
        hsCrp: [1.6, 4.1],
        hba1c: [5.2, 5],
        creatinine: [0.72, 0.55],
        systolic: [112, 118],
        diastolic: [70, 74],
      },
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
  allergies: [
    {
      allergen: 'sulfonamide',
      category: 'medication',
      yearsAgo: 18.2,
      reaction: 'Rash',
      criticality: 'low',
    },
  ],
  smoking: [
    ['never', 2.6],
    ['never', 0.4],
  ],
  series: [
    series('tsh', { every: 60, days: 960 }, settle(11.8, 2.1, 6), 0.25),
    series('heartRate', { every: 60, days: 960 }, settle(54, 68, 5), 3),
    ...growth({ every: 60, days: 960 }, settle(74, 68, 4), line(171, 171), 0.5),
    bloodPressure({ every: 60, days: 960 }, line(122, 118), line(78, 76), 5),
    ...riskProfile(
      { every: 240, days: 960 },
      {
        cholesterol: [252, 198],
        hdl: [52, 56],
        triglycerides: [160, 118],
        hsCrp: [2.4, 1.2],
        hba1c: [5.5, 5.4],
        creatinine: [0.9, 0.82],
        systolic: [122, 118],
        diastolic: [78, 76],
      },
    ),
  ],
}

export const adults: readonly Story[] = [amyShaw, elenaRossi, faridHaddad, graceLindqvist]

// What is measured: LOINC code, unit (UCUM) and category of each observation of the sandbox.

export interface Measure {
  code: string
  display: string
  /** Older LOINC codes of the same, which apps of their day look for. */
  also?: readonly Also[]
  unit: string
  ucum: string
  category: 'vital-signs' | 'laboratory' | 'imaging'
  decimals: number
  /** What is usual in grown-ups: lower and upper end. */
  reference?: Reference
}

type Reference = readonly [low: number | undefined, high?: number]
type Also = readonly [code: string, display: string]

export const measures = {
  weight: {
    ...vital('29463-7', 'Body weight', 'kg', 'kg', 1),
    also: [['3141-9', 'Body weight measured']],
  },
  height: vital('8302-2', 'Body height', 'cm', 'cm', 1),
  bmi: vital('39156-5', 'Body mass index (BMI)', 'kg/m2', 'kg/m2', 1),
  headCircumference: {
    ...vital('9843-4', 'Head occipital-frontal circumference', 'cm', 'cm', 1),
    also: [['8287-5', 'Head occipital-frontal circumference by tape measure']],
  },
  gestationalAge: vital('11884-4', 'Gestational age, estimated', 'weeks', 'wk', 1),
  heartRate: vital('8867-4', 'Heart rate', 'beats/minute', '/min'),
  respiratoryRate: vital('9279-1', 'Respiratory rate', 'breaths/minute', '/min'),
  temperature: vital('8310-5', 'Body temperature', 'C', 'Cel', 1),
  oxygenSaturation: vital('59408-5', 'Oxygen saturation by pulse oximetry', '%', '%'),
  systolic: vital('8480-6', 'Systolic blood pressure', 'mmHg', 'mm[Hg]'),
  diastolic: vital('8462-4', 'Diastolic blood pressure', 'mmHg', 'mm[Hg]'),
  boneAge: { ...vital('37362-1', 'Bone age', 'months', 'mo'), category: 'imaging' },
  hba1c: lab('4548-4', 'Hemoglobin A1c in blood', '%', '%', 1, [4, 5.6]),
  glucose: lab('2339-0', 'Glucose in blood', 'mg/dL', 'mg/dL', 0, [70, 140]),
  cholesterol: lab('2093-3', 'Total cholesterol', 'mg/dL', 'mg/dL', 0, [undefined, 200]),
  hdl: lab('2085-9', 'HDL cholesterol', 'mg/dL', 'mg/dL', 0, [40]),
  ldl: {
    ...lab('13457-7', 'LDL cholesterol, calculated', 'mg/dL', 'mg/dL', 0, [undefined, 100]),
    also: [['2089-1', 'LDL cholesterol']],
  },
  triglycerides: lab('2571-8', 'Triglycerides', 'mg/dL', 'mg/dL', 0, [undefined, 150]),
  hsCrp: lab('30522-7', 'C-reactive protein, high sensitivity', 'mg/L', 'mg/L', 1, [undefined, 3]),
  creatinine: lab('2160-0', 'Creatinine in serum', 'mg/dL', 'mg/dL', 2, [0.6, 1.2]),
  egfr: lab(
    '62238-1',
    'Glomerular filtration rate, estimated',
    'mL/min',
    'mL/min/{1.73_m2}',
    0,
    [60],
  ),
  potassium: lab('2823-3', 'Potassium in serum', 'mmol/L', 'mmol/L', 1, [3.5, 5.1]),
  hemoglobin: lab('718-7', 'Hemoglobin in blood', 'g/dL', 'g/dL', 1, [12, 15.5]),
  tsh: lab('3016-3', 'Thyrotropin in serum', 'mIU/L', 'm[IU]/L', 2, [0.4, 4]),
  inr: lab('34714-6', 'INR in blood', '{INR}', '{INR}', 1, [2, 3]),
  ntProBnp: lab('33762-6', 'NT-proBNP in serum', 'pg/mL', 'pg/mL', 0, [undefined, 300]),
  peakFlow: lab('19935-6', 'Peak expiratory flow', 'L/min', 'L/min'),
} as const satisfies Record<string, Measure>

export type MeasureName = keyof typeof measures

function vital(code: string, display: string, unit: string, ucum: string, decimals = 0): Measure {
  return { code, display, unit, ucum, category: 'vital-signs', decimals }
}

function lab(
  code: string,
  display: string,
  unit: string,
  ucum: string,
  decimals = 0,
  reference?: Reference,
): Measure {
  return { code, display, unit, ucum, category: 'laboratory', decimals, reference }
}

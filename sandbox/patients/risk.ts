// What calculators of heart risk read of a grown-up: lipids, hs-CRP, HbA1c, creatinine, and the two
// blood pressures each by itself, as older apps look for them.

import { type Curve, line } from './curve.ts'
import { type Series, series, type Timing } from './story.ts'

type FromTo = readonly [from: number, to: number]

export interface Risk {
  cholesterol: FromTo
  hdl: FromTo
  triglycerides: FromTo
  hsCrp: FromTo
  hba1c?: FromTo
  creatinine?: FromTo
  systolic: FromTo
  diastolic: FromTo
}

/** The series of a risk profile; LDL follows from the other lipids (Friedewald). */
export function riskProfile(timing: Timing, risk: Risk): Series[] {
  const { cholesterol, hdl, triglycerides, hsCrp, hba1c, creatinine } = risk
  const [total, high, fat] = [cholesterol, hdl, triglycerides].map(([from, to]) => line(from, to))
  const low: Curve = moment => value(total, moment) - value(high, moment) - value(fat, moment) / 5
  return [
    series('cholesterol', timing, line(...cholesterol), 4),
    series('hdl', timing, line(...hdl), 1.5),
    series('ldl', timing, low, 3),
    series('triglycerides', timing, line(...triglycerides), 7),
    series('hsCrp', timing, line(...hsCrp), 0.2),
    ...(hba1c ? [series('hba1c', timing, line(...hba1c), 0.1)] : []),
    ...(creatinine ? [series('creatinine', timing, line(...creatinine), 0.03)] : []),
    series('systolic', timing, line(...risk.systolic), 3),
    series('diastolic', timing, line(...risk.diastolic), 2),
  ]
}

function value(curve: Curve | undefined, moment: Parameters<Curve>[0]): number {
  return curve?.(moment) ?? 0
}

// How a value moves over time, before chance is added. Pure.

export interface Moment {
  /** From 0, where the series begins, to 1, its end. */
  progress: number
  ageYears: number
  daysAgo: number
}

export type Curve = (moment: Moment) => number

/** From one value to another, steadily. */
export function line(from: number, to: number): Curve {
  return ({ progress }) => from + (to - from) * progress
}

/** From one value towards another, fast at first, as after a new treatment. */
export function settle(from: number, to: number, pace = 5): Curve {
  return ({ progress }) => to + (from - to) * Math.exp(-pace * progress)
}

/** Through points of progress and value. */
export function through(points: readonly (readonly [number, number])[]): Curve {
  return ({ progress }) => interpolate(points, progress)
}

/** Through points of age in years and value, as growth charts have them. */
export function byAge(points: readonly (readonly [number, number])[]): Curve {
  return ({ ageYears }) => interpolate(points, ageYears)
}

/** A curve with a wave on it, of so many days a period. */
export function waving(curve: Curve, height: number, days: number): Curve {
  return moment => curve(moment) + height * Math.sin((2 * Math.PI * moment.daysAgo) / days)
}

function interpolate(points: readonly (readonly [number, number])[], at: number): number {
  const after = points.findIndex(([x]) => x >= at)
  if (after === -1) return points.at(-1)?.[1] ?? 0
  const [x1, y1] = points[after] ?? [0, 0]
  const [x0, y0] = points[after - 1] ?? [x1, y1]
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (at - x0)) / (x1 - x0)
}

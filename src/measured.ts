// What was measured, as plain data: it crosses from one process to another and is added up. Counters and
// histograms are sums; of a gauge counts what its instrument says, and of an event loop the slowest.

import {
  type Aggregator,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from '@prometheus-io/client'

/** One metric with its values. */
export type Measured = Omit<MetricObjectWithValues<MetricValue<string>>, 'collect'>

/** Where the library adds up or leaves out what says nothing in sum. */
const AGGREGATORS: readonly (readonly [name: RegExp, aggregator: Aggregator])[] = [
  [/^nodejs_eventloop_lag_min_/, 'min'],
  [/^nodejs_eventloop_/, 'max'],
  [/^process_start_time_seconds$/, 'min'],
  [/^process_max_fds$/, 'max'],
]

/** Everything a registry holds at this moment, but for values that are no number yet. */
export async function readMeasured(registry: Registry): Promise<Measured[]> {
  return plain(await registry.getMetricsAsJSON())
}

/** One list out of several: each metric once, its values added up by their labels. */
export function sumMeasured(lists: readonly (readonly Measured[])[]): Measured[] {
  return plain(Registry.aggregate([...lists]).getMetricsAsArray() as unknown as Measured[])
}

/** What stays true of somebody who is gone: what was counted, and no state of any moment. */
export function keepCounts(list: readonly Measured[]): Measured[] {
  return list.filter(({ type }) => type === 'counter' || type === 'histogram')
}

/** What counts of an app that gets no new request: counts, and what it still has under way; no state of its EHRs. */
export function keepSums(list: readonly Measured[]): Measured[] {
  return list.filter(({ type, aggregator }) => type !== 'gauge' || aggregator === 'sum')
}

/** The text of the exposition format. */
export async function printMeasured(list: readonly Measured[]): Promise<string> {
  return await Registry.aggregate([list]).metrics()
}

function plain(list: readonly Measured[]): Measured[] {
  return list.map(({ name, help, type, aggregator, values }) => ({
    ...{ name, help, type },
    // JSON, by which they cross, has no other numbers.
    values: values.filter(({ value }) => Number.isFinite(value)),
    aggregator: AGGREGATORS.find(([pattern]) => pattern.test(name))?.[1] ?? aggregator,
  }))
}

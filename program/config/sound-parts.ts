// What is sound of a configuration that is not sound as a whole, so that everything else can be judged in
// the same run. Pure: no I/O.

import { isRecord } from '../../src/smart/json.ts'
import { type ConfigDocument, configSchema, type EhrDocument, ehrSchema } from './schema.ts'

/** A document part by part, each as the schema gives it; a part that is faulty is undefined. */
export type SoundParts = Partial<Omit<ConfigDocument, 'ehrs'>> & {
  ehrs: readonly (EhrDocument | undefined)[]
}

/** The parts that are sound, defaults included. */
export function findSoundParts(document: unknown): SoundParts {
  const { ehrs: _ehrs, ...shape } = configSchema.shape
  const written = isRecord(document) ? document : {}
  const parts = Object.entries(shape).map(([name, schema]) => [
    name,
    schema.safeParse(written[name]).data,
  ])
  const ehrs = Array.isArray(written.ehrs) ? written.ehrs : []
  return { ...Object.fromEntries(parts), ehrs: ehrs.map(ehr => ehrSchema.safeParse(ehr).data) }
}

/** What is written of the faulty parts, by its place. */
export function listFaultyParts(
  document: unknown,
  sound: SoundParts,
): [place: readonly PropertyKey[], value: unknown][] {
  if (!isRecord(document)) return []
  const faulty = Object.entries(document).filter(
    ([name]) => name !== 'ehrs' && sound[name as 'vault'] === undefined,
  )
  const ehrs = Array.isArray(document.ehrs) ? document.ehrs : []
  return [
    ...faulty.map(([name, value]): [PropertyKey[], unknown] => [[name], value]),
    ...ehrs.flatMap((ehr, i): [PropertyKey[], unknown][] =>
      sound.ehrs[i] ? [] : [[['ehrs', i], ehr]],
    ),
  ]
}

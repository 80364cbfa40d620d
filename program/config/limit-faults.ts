// Limits that contradict each other: what is more than what it lies within, or than the connections and the memory that it
// needs. Pure: no I/O.

import type { LimitsDocument } from './limits-schema.ts'
import type { SoundParts } from './sound-parts.ts'

type Fault = readonly [place: readonly PropertyKey[], message: string]

/** What contradicts, each with the place of the setting that is too large. */
export function listLimitFaults({ sessions, limits, ehrs }: SoundParts): Fault[] {
  const faults: Fault[] = []
  if (sessions && sessions.idleMinutes > sessions.absoluteHours * 60) {
    const message = 'longer than absoluteHours, which ends a session before'
    faults.push([['sessions', 'idleMinutes'], message])
  }
  if (limits === undefined) return faults
  for (const [place, message] of listContradictions(limits)) {
    faults.push([['limits', ...place], message])
  }
  for (const [i, ehr] of ehrs.entries()) {
    if ((ehr?.firstByteSeconds ?? 0) > limits.answers.totalSeconds) {
      faults.push([['ehrs', i, 'firstByteSeconds'], 'more than limits.answers.totalSeconds'])
    }
  }
  return faults
}

/** Limits of which one keeps another from ever counting. */
export function listContradictions(limits: LimitsDocument): [place: string[], message: string][] {
  const { connections, logins, bodies, answers, memory, heldMegabytes, keptMegabytes } = limits
  const total = heldMegabytes.all + keptMegabytes.sessions + keptMegabytes.tickets
  const pairs: [string, number, string, number][] = [
    ['connections.perAddress', connections.perAddress, 'connections.all', connections.all],
    ['logins.perAddress', logins.perAddress, 'logins.perEhr', logins.perEhr],
    ['logins.perEhr', logins.perEhr, 'logins.all', logins.all],
    ...(['inFlight', 'ehrStreams', 'heldMegabytes'] as const).flatMap(
      (name): [string, number, string, number][] => [
        [`${name}.user`, limits[name].user, `${name}.ehr`, limits[name].ehr],
        [`${name}.ehr`, limits[name].ehr, `${name}.all`, limits[name].all],
      ],
    ),
    ...(['inFlight', 'ehrStreams', 'sessionStreams'] as const).map(
      (name): [string, number, string, number] => [
        `${name}.all`,
        limits[name].all,
        'connections.all',
        connections.all,
      ],
    ),
    [
      'sessionStreams.perSession',
      limits.sessionStreams.perSession,
      'sessionStreams.all',
      limits.sessionStreams.all,
    ],
    ['bodies.formMegabytes', bodies.formMegabytes, 'bodies.megabytes', bodies.megabytes],
    ['bodies.documentMegabytes', bodies.documentMegabytes, 'bodies.megabytes', bodies.megabytes],
    [
      'bodies.documentMegabytes',
      bodies.documentMegabytes,
      'heldMegabytes.user',
      heldMegabytes.user,
    ],
    [
      'answers.firstByteSeconds',
      answers.firstByteSeconds,
      'answers.totalSeconds',
      answers.totalSeconds,
    ],
    ['answers.idleSeconds', answers.idleSeconds, 'answers.totalSeconds', answers.totalSeconds],
  ]
  const { user, ehr } = limits.requestsPerSecond
  if (user !== undefined && ehr !== undefined) {
    pairs.push(['requestsPerSecond.user', user, 'requestsPerSecond.ehr', ehr])
  }
  const faults = pairs
    .filter(([, value, , most]) => value > most)
    .map(([name, , other]): [string[], string] => [name.split('.'), `more than limits.${other}`])
  if (memory.residentMegabytes !== undefined && total > memory.residentMegabytes) {
    const message = `less than heldMegabytes.all and keptMegabytes together (${total})`
    faults.push([['memory', 'residentMegabytes'], message])
  }
  return faults
}

// EHR launches: what a launch id stands for. Ids are random unless a test brings its own, and are
// looked up as they come: one that was changed on its way is unknown.

import { randomBytes } from 'node:crypto'
import type { LaunchContext } from './launch-context.ts'

export interface Launch extends Omit<LaunchContext, 'patient'> {
  patient: string
  /** Account of the user who works in the EHR. */
  user: string
  /** No consent page: access is granted, or denied, at once. */
  auto?: 'grant' | 'deny'
}

export interface Launches {
  /** Records a launch; its id. */
  add(launch: Launch, id?: string): string
  find(id: string | undefined): Launch | undefined
}

const LIMIT = 10_000

/** No launches yet; the oldest are forgotten beyond ten thousand. */
export function createLaunches(): Launches {
  const launches = new Map<string, Launch>()
  return {
    add(launch, id = randomBytes(16).toString('base64url')) {
      launches.set(id, launch)
      const oldest = launches.keys().next()
      if (launches.size > LIMIT && !oldest.done) launches.delete(oldest.value)
      return id
    },
    find: id => (id === undefined ? undefined : launches.get(id)),
  }
}

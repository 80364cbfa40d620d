// Who may show the app in a frame. Pure.

import type { Registration } from './types.ts'

/** The origins that frame the app for this EHR: those that it names for that, else those of its endpoints. */
export function listFrameAncestors({
  embedded,
  frameAncestors,
  origins,
}: Pick<Registration, 'embedded' | 'frameAncestors' | 'origins'>): readonly string[] {
  return embedded ? (frameAncestors ?? origins) : []
}

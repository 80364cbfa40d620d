// Entity tags of rewritten documents: a strong one becomes weak on its way out, because other bytes are
// another representation, and strong again on its way back, because many servers compare byte for byte.
// An EHR's own weak tags stay weak: which of the two an EHR writes is learned from its answers, for each
// kind of thing by itself. Pure but for that memory. RFC 9110 sections 8.8.3 and 13.1, FHIR R4 3.1.0.5.

import { createBoundedMap } from '../bounded-map.ts'
import type { Target } from './target.ts'

/** What an EHR's tags are like. */
export interface TagHabits {
  /** Learns from a tag as the EHR sent it, whose strong form is told as a weak one. */
  note(asked: { method: string; target: Target }, tag: string): void
  /** Whether weak tags of such a thing stand for strong ones of the EHR. */
  areStrong(target: Target): boolean
  /** The same for whatever the entries of a batch name. */
  areStrongInBatches(): boolean
}

/** Some hundred types of resources with their operations. */
const HABITS_BYTES = 64 * 1024
const LONGEST_KIND = 128
const WEAK = /W\/("[^"]*")/g
const FILE = 'Binary/'

export function createTagHabits(): TagHabits {
  const habits = createBoundedMap<boolean>(HABITS_BYTES)
  /** Of the last resource that was no file. */
  let latest = false

  return {
    note({ method, target }, tag) {
      if (!tag.startsWith('"') && !tag.startsWith('W/')) return
      const kind = kindOf(target, method !== 'GET' && method !== 'HEAD')
      const isStrong = tag.startsWith('"')
      if (kind.endsWith('/') && kind !== FILE) latest = isStrong
      if (kind.length <= LONGEST_KIND && habits.get(kind) !== isStrong) habits.set(kind, isStrong)
    },
    areStrong(target) {
      const kind = kindOf(target, false)
      return habits.get(kind) ?? (kind !== FILE && latest)
    },
    areStrongInBatches: () => latest,
  }
}

/** A strong tag as a weak one; others as they are. */
export function weaken(tag: string): string {
  return tag.startsWith('"') ? `W/${tag}` : tag
}

/** A list of tags with all of them strong. */
export function strengthen(tags: string): string {
  return tags.replace(WEAK, '$1')
}

/** Whether a tag is weak. */
export function isWeak(tag: string): boolean {
  return tag.startsWith('W/')
}

// Resources of a type have tags of one kind, lists of them may have others, and so may operations.
function kindOf({ path }: Target, isWritten: boolean): string {
  const [, type = '', id = ''] = path.split('/', 3)
  if (id.startsWith('_') || id.startsWith('$')) return `${type}/${id}?`
  return id === '' && !isWritten ? type : `${type}/`
}

// The shortest part of a history that still shows a violation, for who has to understand it. Pure.

import { checkHistory, type Violation } from './check.ts'
import { type History, isOperation } from './history.ts'

/** Leaves out whatever the violation does not need. */
export function findShortest(history: History, { rule, about }: Violation): History {
  const shows = (part: History) =>
    checkHistory(part).violations.some(each => each.rule === rule && each.about === about)
  const isLoss = rule === 'an acknowledged session was lost'
  let rest = history.filter(
    entry =>
      (isOperation(entry) && entry.session === about) ||
      (entry.kind === 'renewal' && entry.mark === about),
  )
  if (!shows(rest)) rest = [...history]
  for (let size = Math.ceil(rest.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let i = 0; i < rest.length; ) {
      const shorter = rest.toSpliced(i, size)
      // Without the ends that were asked for, any refusal would look like a loss.
      const isFair = !rest.slice(i, i + size).some(({ kind }) => kind === 'end') || !isLoss
      if (isFair && shows(shorter)) rest = shorter
      else i += size
    }
  }
  return rest
}

// What somebody may have meant who wrote a name that does not exist. Pure.

const MOST_LETTERS = 64

/** The nearest of the known names, by letters to change; undefined where none is near. */
export function findNearest(written: string, known: readonly string[]): string | undefined {
  if (written.length > MOST_LETTERS) return undefined
  const near = known
    .map(name => ({ name, distance: countChanges(written.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.ceil(name.length / 3))
    .toSorted((one, other) => one.distance - other.distance)
  return near[0]?.name
}

/** Letters to insert, delete or replace (Levenshtein). */
function countChanges(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let row = 1; row <= from.length; row++) {
    const line = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const replaced = (above[column - 1] ?? 0) + (isSame ? 0 : 1)
      line.push(Math.min(replaced, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1))
    }
    above = line
  }
  return above[to.length] ?? 0
}

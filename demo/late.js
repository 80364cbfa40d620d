// What a page says that has nothing to show yet.

/** Milliseconds after which silence is explained. */
const LATE_MS = 1_000

/** Shows what `build` makes in `place` unless the returned function is called before it is late. */
export function explainWhenLate(place, build) {
  const late = setTimeout(() => place.replaceChildren(...build()), LATE_MS)
  return () => clearTimeout(late)
}

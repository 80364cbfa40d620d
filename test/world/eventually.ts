// What becomes so by itself, after a while that nobody knows.

const PATIENCE_MS = 80_000
const LONGEST_PAUSE_MS = 50

/** Asks again and again until the answer is yes; false after more than a minute. */
export async function eventually(ask: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS
  for (let pause = 1; performance.now() < end; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    if (await ask()) return true
    await new Promise(done => setTimeout(done, pause))
  }
  return false
}

/** Waits until something is so; rejects when it does not become so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  if (!(await eventually(isSo))) throw new Error(`it never became so: ${isSo}`)
}

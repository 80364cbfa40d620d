// Loaded before the product (`--import`): its time of day is CLOCK_SKEW_MS ahead of the machine's, and
// jumps by CLOCK_JUMP_MS with each SIGWINCH (there and back with CLOCK_RETURNS). The clocks that nobody
// sets stay as they are.

const skew = { milliseconds: Number(process.env.CLOCK_SKEW_MS ?? 0) }
let jump = Number(process.env.CLOCK_JUMP_MS ?? 0)
const TimeOfDay = Date
const readTime = Date.now

globalThis.Date = new Proxy(TimeOfDay, {
  apply: () => new TimeOfDay(readNow()).toString(),
  construct: (target, args) => Reflect.construct(target, args.length > 0 ? args : [readNow()]),
})
Date.now = readNow
process.on('SIGWINCH', () => {
  skew.milliseconds += jump
  if (process.env.CLOCK_RETURNS) jump = -jump
})

function readNow(): number {
  return readTime() + skew.milliseconds
}

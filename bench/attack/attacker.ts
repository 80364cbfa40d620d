// A process: sends every input (or those named) until the time is over, at a low priority, and
// prints what came back as JSON. Its argument is an Aim.

import { setPriority } from 'node:os'
import { type Aim, begin } from './aim.ts'
import { buildInputs } from './inputs.ts'
import type { Tally } from './socket.ts'

setPriority(10)
const aim = JSON.parse(process.argv[2] ?? '') as Aim
const inputs = buildInputs().filter(({ name }) => aim.only.length === 0 || aim.only.includes(name))
await begin(aim)
const endsAt = performance.now() + aim.seconds * 1_000
const tallies: Record<string, Tally> = {}
for (const { name, run } of inputs) {
  const tally: Tally = {}
  tallies[name] = tally
  void run({ aim, tally, isOver: () => performance.now() > endsAt })
}
await new Promise(done => setTimeout(done, aim.seconds * 1_000 + 500))
process.stdout.write(JSON.stringify(tallies), () => process.exit(0))

// The product as `fhirstorm start` runs it, with one more part that makes the next of the faults that FAULTS
// names when the process hears SIGCONT: real ones, outside of any request.

import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { start } from '../../program/cli/start.ts'

/** Words that must never be logged. */
export const SECRET = 'amy-shaw-canary'

export const faultsByName = {
  'a promise that nobody waits for': () => void readFile(`/${SECRET}`),
  'a mistake in a promise': () => void mistakeLater(),
  'a socket whose error nobody hears': () => void connect(1, '127.0.0.1'),
  'a mistake in a callback': () => void setImmediate(mistake),
  'a mistake after its time': () =>
    void setImmediate(() => {
      setImmediate(mistake)
      mistake()
    }),
} as const

export type FaultName = keyof typeof faultsByName

async function mistakeLater(): Promise<void> {
  await null
  mistake()
}

function mistake(): never {
  throw new TypeError(`cannot read ${SECRET}\n    at ${SECRET} (${import.meta.filename}:1:1)`)
}

if (import.meta.main) {
  const names = JSON.parse(process.env.FAULTS ?? '[]') as FaultName[]
  process.on('SIGCONT', () => {
    const name = names.shift()
    if (name) faultsByName[name]()
  })
  process.exitCode = await start(process.argv.slice(3))
}

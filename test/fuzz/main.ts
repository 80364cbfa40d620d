// npm run fuzz: tries texts on every reader of outside text until the time is over, then counts steps on what
// is repeated. What is found becomes a seed in test/fuzz/seeds, which every test run replays, and is exit
// status 1.
//   --seconds N     in all, shared by the readers (60); steps are counted for a fifth of it
//   --seed N        where the random texts begin (the time)
//   --only READER   this one alone; may be given several times
//   --count         counts steps alone
//   --list          the readers

import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { type Found, fuzz, type Runs } from './fuzz.ts'
import type { Reader } from './reader.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    only: { type: 'string', multiple: true, default: [] },
    count: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})
const COUNTING = 0.2
const RUNS = values.count ? 5 : 500
// Before the readers are compiled: only then each of their blocks is counted.
const step = values.count
  ? (await import('./work.ts')).fuzzWork
  : async (reader: Reader, runs: Runs) => await fuzz(reader, runs)
const { readers } = await import('./readers/readers.ts')
const { addSeed, readSeeds } = await import('./seeds.ts')

process.exitCode = await main()

async function main(): Promise<number> {
  const isChosen = ({ name }: Reader) => values.only.length === 0 || values.only.includes(name)
  const chosen = readers.filter(each => isChosen(each) && (!values.count || each.work))
  if (values.list || chosen.length === 0) {
    for (const { name } of readers) console.log(name)
    return values.list ? 0 : 2
  }
  const seconds = Number(values.seconds) * (values.count ? 1 : 1 - COUNTING)
  const kind = values.count ? 'repeated words' : 'texts'
  console.log(
    `${chosen.length} readers, ${seconds} s, seed ${values.seed}, Node ${process.version}`,
  )
  let [tried, found] = [0, 0]
  for (const reader of chosen) {
    const { count, failure } = await spend(reader, (1000 * seconds) / chosen.length)
    tried += count
    console.log(`${reader.name.padEnd(28)} ${String(count).padStart(9)} ${kind}`)
    if (!failure) continue
    found++
    const lines = failure.what.split('\n').slice(0, 8)
    console.log(['  FOUND', JSON.stringify(failure.text).slice(0, 500), ...lines].join('\n  '))
    console.log(`  kept in ${addSeed(reader.name, failure.text)}`)
  }
  console.log(
    `${tried} ${kind}, ${found === 0 ? 'everything held' : `${found} readers do not hold`}\n`,
  )
  return Math.max(found === 0 ? 0 : 1, values.count ? 0 : countElsewhere())
}

function countElsewhere(): number {
  const words = process.argv.slice(2).filter((word, i, all) => !isSeconds(word, all[i - 1]))
  const seconds = String(Number(values.seconds) * COUNTING)
  const { status } = spawnSync(
    process.execPath,
    [...process.execArgv, import.meta.filename, ...words, '--count', '--seconds', seconds],
    { stdio: 'inherit' },
  )
  return status === 0 || status === 2 ? 0 : 1
}

function isSeconds(word: string, before: string | undefined): boolean {
  return word.startsWith('--seconds') || before === '--seconds'
}

async function spend(reader: Reader, shareMs: number) {
  const over = performance.now() + shareMs
  let count = 0
  let failure: Found | undefined = values.count ? undefined : await replaySeeds(reader)
  for (let seed = Number(values.seed); !failure && performance.now() < over; seed++) {
    failure = await step(reader, { runs: RUNS, seed })
    count += RUNS
  }
  return { count, failure }
}

async function replaySeeds(reader: Reader): Promise<Found | undefined> {
  for (const text of readSeeds(reader.name)) {
    try {
      await reader.read(text)
    } catch (error) {
      return { reader: reader.name, text, what: String((error as Error).stack) }
    }
  }
  return undefined
}

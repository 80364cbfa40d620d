// One mutant at a time in a copy of the project: its tests are run until one fails.

import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Mutant, removeGuard } from './guards.ts'

export interface Verdict {
  mutant: Mutant
  /** The test file that noticed, or undefined when none did. */
  noticedBy: string | undefined
  /** Test files that were asked, of how many that could have been. */
  asked: number
  of: number
}

const FILE_MS = 90_000

interface Run {
  end: 'passed' | 'failed' | 'late'
  tookMs: number
}

/** Tries mutants in one copy of the project. */
export function createTrial(folder: string, budgetMs: number) {
  /** How test files end where nothing is changed; a failure is believed of those that pass. */
  const sound = new Map<string, Promise<Run>>()

  return { judge }

  /** Takes the guard away, asks the tests in their order, and puts it back. */
  async function judge(mutant: Mutant, tests: readonly string[]): Promise<Verdict> {
    const path = join(folder, mutant.file)
    const source = readFileSync(path, 'utf8')
    const endsAt = Date.now() + budgetMs
    let asked = 0
    for (const test of tests) {
      if (Date.now() > endsAt) break
      asked++
      writeFileSync(path, removeGuard(source, mutant))
      const { end } = await run(test)
      writeFileSync(path, source)
      if (end !== 'passed' && (await isTelling(test, end)))
        return { mutant, noticedBy: test, asked, of: tests.length }
    }
    return { mutant, noticedBy: undefined, asked, of: tests.length }
  }

  /** A test that stands still tells of the mutant where it has time enough without it. */
  async function isTelling(test: string, end: Run['end']): Promise<boolean> {
    const known = sound.get(test) ?? run(test)
    sound.set(test, known)
    const whole = await known
    return whole.end === 'passed' && (end === 'failed' || whole.tookMs < FILE_MS / 3)
  }

  /** Runs a test file, which is ended at its first failure, or when it takes too long. */
  function run(test: string): Promise<Run> {
    const beganAt = performance.now()
    const args = ['--disable-warning=ExperimentalWarning', '--test-reporter=tap', test]
    const child = spawn(process.execPath, args, {
      cwd: folder,
      detached: true,
      env: { ...process.env, MUTANT: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const { promise, resolve } = Promise.withResolvers<Run>()
    const finish = (end: Run['end']) => {
      clearTimeout(timer)
      resolve({ end, tookMs: performance.now() - beganAt })
      try {
        process.kill(-(child.pid as number), 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const timer = setTimeout(() => finish('late'), FILE_MS)
    let text = ''
    child.stdout.on('data', chunk => {
      text = text.slice(-20) + chunk
      if (/^\s*not ok /m.test(text)) finish('failed')
    })
    child.on('close', code => finish(code === 0 ? 'passed' : 'failed'))
    return promise
  }
}

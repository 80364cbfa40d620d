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

/** Tries mutants in one copy of the project. */
export function createTrial(folder: string, budgetMs: number) {
  /** Test files that pass where nothing is changed; a failure is believed of these alone. */
  const sound = new Map<string, Promise<boolean>>()

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
      const passed = await passes(test)
      writeFileSync(path, source)
      if (!passed && (await isSound(test)))
        return { mutant, noticedBy: test, asked, of: tests.length }
    }
    return { mutant, noticedBy: undefined, asked, of: tests.length }
  }

  function isSound(test: string): Promise<boolean> {
    const known = sound.get(test) ?? passes(test)
    sound.set(test, known)
    return known
  }

  /** Whether a test file passes; it is ended at its first failure, or when it takes too long. */
  function passes(test: string): Promise<boolean> {
    const args = ['--disable-warning=ExperimentalWarning', '--test-reporter=tap', test]
    const child = spawn(process.execPath, args, {
      cwd: folder,
      detached: true,
      env: { ...process.env, MUTANT: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const end = (passed: boolean) => {
      clearTimeout(timer)
      resolve(passed)
      try {
        process.kill(-(child.pid as number), 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const timer = setTimeout(() => end(false), FILE_MS)
    let text = ''
    child.stdout.on('data', chunk => {
      text = text.slice(-20) + chunk
      if (/^\s*not ok /m.test(text)) end(false)
    })
    child.on('close', code => end(code === 0))
    return promise
  }
}

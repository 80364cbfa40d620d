// npm run mutate: takes every guard away, one at a time, and says which no test noticed. Works in copies
// of what is committed, so that the checkout stays as it is; exits with 1 when a guard could go unnoticed
// and docs/mutants.md does not say why.
//   --only PATH     files below this path alone, or PATH:LINE the guards of a line; may be given several times
//   --seconds N     how long tests are asked about one guard (120)
//   --copies N      mutants that are tried at the same time (2)

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { removeFolder } from '../world/folder.ts'
import { findTests } from './asked-tests.ts'
import { findGuards, type Mutant, nameOf } from './guards.ts'
import { createTrial, type Verdict } from './trial.ts'

const EXPLAINED = 'docs/mutants.md'

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string', default: '120' },
    copies: { type: 'string', default: '2' },
  },
})
const copies: string[] = []
process.once('SIGINT', () => process.exit(130))
process.on('exit', () => {
  for (const copy of copies) removeFolder(copy)
})

const waiting = globSync(['src/**/*.ts', 'plugins/*.ts'])
  .sort()
  .flatMap(file => findGuards(file, readFileSync(file, 'utf8')))
  .filter(mutant => values.only.length === 0 || values.only.some(isOf(mutant)))
const files = new Set(waiting.map(({ file }) => file))
const total = waiting.length
const explained = existsSync(EXPLAINED) ? readFileSync(EXPLAINED, 'utf8') : ''
const verdicts: Verdict[] = []
print(`${total} guards in ${files.size} files`)
await Promise.all(Array.from({ length: Number(values.copies) }, work))

const survivors = verdicts.filter(({ noticedBy }) => noticedBy === undefined)
const open = survivors.filter(({ mutant }) => !explained.includes(nameOf(mutant)))
const noticed = verdicts.length - survivors.length
print(`\n${noticed} of ${total} noticed (${((100 * noticed) / total).toFixed(1)} %), `)
print(`${survivors.length - open.length} explained in ${EXPLAINED}, ${open.length} open:`)
for (const { mutant, asked, of } of open)
  print(`- ${nameOf(mutant)} (${asked} of ${of} test files asked)`)
process.exitCode = open.length > 0 ? 1 : 0

async function work(): Promise<void> {
  const trial = createTrial(copyProject(), Number(values.seconds) * 1_000)
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const verdict = await trial.judge(mutant, findTests(mutant.file))
    verdicts.push(verdict)
    const by = verdict.noticedBy ?? 'NOT NOTICED'
    print(`${verdicts.length}/${total} ${mutant.file}:${mutant.line} ${by}`)
  }
}

function isOf({ file, line }: Mutant) {
  return (asked: string) => {
    const [path = '', number = line] = asked.split(':')
    return file.startsWith(path) && Number(number) === line
  }
}

/** What is committed, with the installed packages of this checkout. */
function copyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-mutants-'))
  copies.push(folder)
  for (const file of execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0')) {
    if (file !== '' && existsSync(file)) cpSync(file, join(folder, file))
  }
  for (const packages of ['node_modules', 'bench/node_modules']) {
    if (existsSync(packages)) symlinkSync(resolve(packages), join(folder, packages))
  }
  return folder
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

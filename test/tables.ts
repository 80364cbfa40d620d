// Builds docs/conformance.md and docs/attacks.md from the catalogues and the report of the last test
// run. Ends with status 1 when a row has neither a passed test nor a reason to be out of scope.

import { readFile, writeFile } from 'node:fs/promises'
import type { ReportedTest } from './report.ts'

interface Row {
  id: string
  level?: string
  requirement?: string
  attack?: string
  expected?: string
}

interface Decisions {
  outOfScope: Record<string, string>
  readAs: Record<string, string>
}

const tests = await readJson<ReportedTest[]>('reports/tests.json')
const proofs = collectProofs(tests)
const open = [
  ...(await build('smart', 'docs/conformance.md', {
    title: 'Conformance: SMART App Launch 2.2 and the habits of EHRs',
    columns: ['row', 'level', 'requirement', 'proved by'],
    cells: ({ level = '', requirement = '' }) => [level, requirement],
  })),
  ...(await build('attacks', 'docs/attacks.md', {
    title: 'Attacks and the expected answer',
    columns: ['row', 'attack', 'expected', 'proved by'],
    cells: ({ attack = '', expected = '' }) => [attack, expected],
  })),
]
if (open.length > 0) {
  console.error(`${open.length} rows have neither a passed test nor a reason: ${open.join(' ')}`)
  process.exitCode = 1
}

function collectProofs(tests: readonly ReportedTest[]): Map<string, ReportedTest[]> {
  const proofs = new Map<string, ReportedTest[]>()
  for (const test of tests) {
    if (test.outcome !== 'passed') continue
    const [, list = ''] = /^\[([^\]]+)\]/.exec(test.title) ?? []
    for (const id of list.split(/,\s*/).filter(Boolean)) {
      proofs.set(id, [...(proofs.get(id) ?? []), test])
    }
  }
  return proofs
}

async function build(
  name: string,
  path: string,
  table: { title: string; columns: string[]; cells: (row: Row) => string[] },
): Promise<string[]> {
  const rows = await readJson<Row[]>(`docs/catalogue/${name}.json`)
  const decisions = await readJson<Decisions>(`docs/catalogue/${name}-decisions.json`)
  const proved = rows.filter(({ id }) => proofs.has(id)).length
  const reasoned = rows.filter(({ id }) => !proofs.has(id) && decisions.outOfScope[id]).length
  const lines = [
    `# ${table.title}`,
    '',
    `Built by \`npm run conformance\` from the report of a test run (\`npm run prove -- ROW\` runs the tests of one row): ${proved} rows proved by passed tests, ${reasoned} out of scope with the reason, ${rows.length - proved - reasoned} open.`,
    '',
    `| ${table.columns.join(' | ')} |`,
    `|${' --- |'.repeat(table.columns.length)}`,
    ...rows.map(row => `| ${[row.id, ...table.cells(row), proofOf(row, decisions)].join(' | ')} |`),
  ]
  await writeFile(path, `${lines.join('\n')}\n`)
  return rows.filter(({ id }) => !proofs.has(id) && !decisions.outOfScope[id]).map(({ id }) => id)
}

function proofOf({ id }: Row, { outOfScope, readAs }: Decisions): string {
  const reading = readAs[id] === undefined ? '' : `Read as: ${readAs[id]} `
  const found = proofs.get(id)
  if (!found) return reading + (outOfScope[id] ? `Out of scope: ${outOfScope[id]}` : '**open**')
  const [first] = found as [ReportedTest]
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : ''
  const title = first.title.replace(/^\[[^\]]+\]\s*/, '').replaceAll('|', '\\|')
  return `${reading}${title} — \`${first.file}\`${more}`
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T
}

// Builds docs/conformance.md and docs/attacks.md from the catalogues and the report of the last test
// run. Ends with status 1 when a row has neither a passed test nor a reason to be out of scope.

import { readFile, writeFile } from 'node:fs/promises'
import { untold } from './attacks/outside.ts'
import { rows as suiteRows } from './attacks/rows/rows.ts'
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
    below: describeSuite(),
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
  table: { title: string; columns: string[]; cells: (row: Row) => string[]; below?: string[] },
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
    ...(table.below ?? []),
  ]
  await writeFile(path, `${lines.join('\n')}\n`)
  return rows.filter(({ id }) => !proofs.has(id) && !decisions.outOfScope[id]).map(({ id }) => id)
}

/** What of the table can be asked of any deployment. */
function describeSuite(): string[] {
  const asked = new Set(suiteRows.flatMap(({ id, also = [] }) => [id, ...also]))
  return [
    '',
    '## Against any deployment',
    '',
    `\`npm run attack -- --target URL\` asks ${asked.size} of these rows from outside, with EHRs of its own that are as hostile as a row needs. The`,
    'deployment must know them: `npm run attack -- --register` prints the registrations. Give it a deployment of its own, or one without patients.',
    '`--config FILE` says where the EHRs listen and how the deployment reaches them, `--ca FILE` or `--insecure` whom to trust, `--only ROW` asks one row,',
    '`--quick` leaves out what waits for time-outs, `--json` is for programs, `--list` names all rows. A finding that failed is exit status 1.',
    '',
    'For a deployment on another machine the file says, for example (certificates of a CA of your own go into `caFile` of the registrations):',
    '',
    '```yaml',
    'target: https://app.example.org/bff',
    'ehrs: { url: "https://attack.example.net:7100", listen: { host: 0.0.0.0, port: 7100 }, certFile: cert.pem, keyFile: key.pem }',
    'evil: { url: "https://attack.example.net:7101", listen: { host: 0.0.0.0, port: 7101 }, certFile: cert.pem, keyFile: key.pem }',
    'client: { id: attack-suite, secret: a secret for this time alone }',
    '```',
    '',
    'After each row three things hold whatever it was about: no answer showed a token or secret of the EHRs, nobody connected to an address outside of the',
    "registrations, and somebody else's session goes on. The suite runs in `npm test` against the product, and against a broker that is weak on purpose",
    '(`test/attacks/weak`), at which a hundred rows by name must fail.',
    '',
    'What cannot be told from outside:',
    '',
    ...untold.map(({ reason, ids }) => `- ${reason}: ${ids.join(', ')}`),
  ]
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

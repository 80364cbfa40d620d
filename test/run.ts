// Runs the test suite with Node's own runner: every *.test.ts below test/ (or the paths given), the
// results on the terminal and, for the tables in docs/, in reports/tests.json.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder } from './world/folder.ts'

mkdirSync('reports', { recursive: true })
const paths = process.argv.slice(2)
const compiled = mkdtempSync(join(tmpdir(), 'fhirstorm-compiled-'))
const runner = spawn(
  process.execPath,
  [
    '--test',
    '--test-concurrency=2',
    '--test-timeout=300000',
    '--import=./test/compile-cache.js',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./test/report.ts',
    '--test-reporter-destination=reports/tests.json',
    ...(paths.length > 0 ? paths : ['test/**/*.test.ts']),
  ],
  { stdio: 'inherit', env: { ...process.env, TEST_COMPILE_CACHE: compiled } },
)
runner.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal ? 1 : 0)
  removeFolder(compiled)
})

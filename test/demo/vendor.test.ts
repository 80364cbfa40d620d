// What the demo carries of other people's work is what npm brought, unchanged.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

test('the copy of uPlot is the installed one, and says which version it is', () => {
  const copies = {
    'uPlot.esm.js': 'dist/uPlot.esm.js',
    'uPlot.min.css': 'dist/uPlot.min.css',
    LICENSE: 'LICENSE',
  }
  for (const [copy, original] of Object.entries(copies)) {
    const [ours, theirs] = [`demo/vendor/uplot/${copy}`, `node_modules/uplot/${original}`]
    assert.ok(readFileSync(ours).equals(readFileSync(theirs)), `${ours} differs from ${theirs}`)
  }
  const { version } = JSON.parse(readFileSync('node_modules/uplot/package.json', 'utf8'))
  assert.ok(readFileSync('demo/vendor/uplot/README.md', 'utf8').includes(`uPlot ${version} `))
})

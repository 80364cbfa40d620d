// The package as it is published: what a clean checkout packs, and what it brings along.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { packAfresh } from './package/pack.ts'

const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-package-'))
after(() => rmSync(folder, { recursive: true }))

const { paths } = packAfresh(folder)
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

test('what is packed is built then, without maps that point to sources left behind', () => {
  for (const path of paths) assert.doesNotMatch(path, /\.map$|^(?:program|src|test|demo)\//)
  for (const target of listTargets(manifest.exports)) {
    assert.ok(paths.has(target.slice(2)), `${target} is exported and not packed`)
  }
  assert.ok(paths.has('bin/fhirstorm.js') && paths.has('dist/program/main.js'))
})

test('every link of the README and of SECURITY.md leads to a file of the package', () => {
  for (const name of ['README.md', 'SECURITY.md']) {
    for (const [, link = ''] of readFileSync(name, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(paths.has(link), `${name} links to ${link}`)
    }
  }
})

test('the package brings no Node of its own, and Fastify is its host', () => {
  assert.deepEqual(Object.keys(manifest.peerDependencies), ['fastify'])
  assert.equal(manifest.optionalDependencies, undefined)
  for (const name of Object.keys(manifest.dependencies))
    assert.doesNotMatch(name, /^(?:node|fastify)(?:-linux|$)/)
})

/** Files that `exports` names; patterns stand for folders. */
function listTargets(exports: unknown): string[] {
  if (typeof exports === 'string') return exports.includes('*') ? [] : [exports]
  return Object.values(exports as object).flatMap(listTargets)
}

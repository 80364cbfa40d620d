// Who may import whom, held against the sources, type imports included: three floors with arrows down
// alone, the rooms of src/ and what each may see, purity, no circles, no drawers, short files.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

const folders = ['program/**', 'plugins/**', 'src/**', 'client', 'sandbox/**']
const files = folders.flatMap(folder => globSync(`${folder}/*.ts`))
const imports = files.flatMap(readImports)

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

const isOurs = (path: string): boolean => /^(?:program|plugins|src|client|sandbox)\//.test(path)

/** The room of a file: its floor, within src/ its folder, within src/smart/ its wing. */
function roomOf(path: string): string {
  const parts = path.split('/').slice(0, -1)
  if (parts[0] !== 'src') return parts[0] ?? ''
  return parts.slice(0, parts[1] === 'smart' ? 3 : 2).join('/')
}

/** What each room sees besides itself. `src` are the few words that all rooms share. */
const sees: Record<string, readonly string[]> = {
  src: [],
  'src/vault': ['src'],
  'src/audit': ['src', 'src/smart'],
  'src/browser': ['src'],
  'src/proxy': ['src'],
  'src/smart': ['src'],
  'src/smart/scope': ['src', 'src/smart'],
  'src/smart/context': ['src', 'src/smart'],
  'src/smart/discovery': ['src', 'src/smart', 'src/smart/scope'],
  'src/smart/survey': ['src', 'src/smart', 'src/smart/discovery'],
  'src/smart/identity': ['src', 'src/smart', 'src/smart/context'],
  'src/smart/token': [
    ...['src', 'src/smart', 'src/smart/scope', 'src/smart/context', 'src/smart/identity'],
  ],
  'src/smart/launch': ['src', 'src/smart', 'src/smart/scope', 'src/smart/token'],
  'src/signer': ['src', 'src/smart', 'src/smart/token'],
  'src/network': ['src', 'src/smart'],
  'src/session': ['src', 'src/vault', 'src/smart', 'src/smart/token'],
  'src/facade': ['src', 'src/smart', 'src/session', 'src/vault'],
  'src/exchange': [
    ...['src', 'src/smart', 'src/smart/scope', 'src/network', 'src/proxy', 'src/session'],
  ],
}

test('arrows point down: the program over the plugins over src', () => {
  for (const { from, to } of imports.filter(({ to }) => isOurs(to))) {
    const [floor, target] = [roomOf(from), roomOf(to)]
    if (floor === 'program') assert.notEqual(target, 'sandbox', `${from} imports ${to}`)
    if (floor === 'plugins') assert.match(target, /^(?:plugins|src)/, `${from} imports ${to}`)
    if (floor.startsWith('src')) assert.match(target, /^src/, `${from} imports ${to}`)
  }
})

test('each room of src sees the rooms beneath it alone, and every room is on the plan', () => {
  for (const { from, to } of imports.filter(({ from, to }) => isOurs(to) && /^src\//.test(from))) {
    const [room, target] = [roomOf(from), roomOf(to)]
    assert.ok(sees[room], `${room} is not on the plan`)
    assert.ok(target === room || sees[room].includes(target), `${from} imports ${to}`)
  }
})

test('plugins know nothing of each other at run time', () => {
  for (const { from, to, typeOnly } of imports.filter(({ from }) => from.startsWith('plugins/'))) {
    if (!typeOnly) assert.ok(!to.startsWith('plugins/'), `${from} imports ${to}`)
  }
})

test('the grammar knows neither Fastify nor, where rules are pure, undici, clock and process', () => {
  for (const { from, to } of imports.filter(({ from }) => from.startsWith('src/'))) {
    assert.doesNotMatch(to, /^(?:fastify|fastify-plugin|@fastify\/(?!secure-session))/, from)
    if (/^src\/(?:smart|browser|proxy)\//.test(from)) assert.doesNotMatch(to, /^undici/, from)
  }
  const pure = /^src\/(?:smart|browser|proxy|session)\//
  for (const file of files.filter(path => pure.test(path))) {
    assert.doesNotMatch(codeOf(file), /\bDate\.now\(|\bnew Date\(\)|\bprocess\./, file)
  }
})

test('src/smart needs nothing of Node that the web has not', () => {
  for (const { from, to } of imports.filter(({ from }) => from.startsWith('src/smart/'))) {
    assert.doesNotMatch(to, /^node:/, from)
  }
  for (const file of files.filter(path => path.startsWith('src/smart/'))) {
    assert.doesNotMatch(codeOf(file), /\bBuffer\b|\bprocess\b|\bsetImmediate\b/, file)
  }
})

test('the client of the browser imports nothing but itself', () => {
  for (const { from, to } of imports.filter(({ from }) => from.startsWith('client/'))) {
    assert.match(to, /^client\//, `${from} imports ${to}`)
  }
})

test('process is used by the program and its commands alone', () => {
  for (const file of files.filter(path => /^(?:program|src|plugins)\//.test(path))) {
    if (file === 'program/main.ts' || file.startsWith('program/cli/')) continue
    assert.doesNotMatch(codeOf(file), /\bprocess\.(?:env|argv|exit)/, file)
  }
})

test('no module reaches itself, by a type either', () => {
  const edges = new Map<string, string[]>()
  for (const { from, to } of imports) edges.set(from, [...(edges.get(from) ?? []), to])
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

function codeOf(file: string): string {
  return readFileSync(file, 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
}

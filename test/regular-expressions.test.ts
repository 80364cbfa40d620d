// Every regular expression of the product, written out or put together, takes steps in proportion to
// its text, on generated worst cases: most are given what an EHR, a browser or a stranger sent.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { parse, type SourceLocation, type Token } from 'acorn'
import Fastify, { type FastifyInstance } from 'fastify'
import { findSuperlinear } from './work/worst-cases.ts'

/** Expressions by the place where they stand: `src/proxy/target.ts:29`. */
type Places = Map<string, RegExp[]>

const written: Places = new Map()
const builders = new Set<string>()
for (const file of ['src/**/*.ts', 'plugins/*.ts', 'program/**/*.ts'].flatMap(list)) {
  let before: unknown
  for (const { type, value, loc } of readTokens(file)) {
    const place = `${file}:${loc.start.line}`
    if (type.label === 'regexp') add(written, place, (value as { value: RegExp }).value)
    if (value === 'RegExp' && before === 'new') builders.add(place)
    before = value
  }
}

function list(pattern: string): string[] {
  return globSync(pattern)
}

/** Tokens as acorn makes them; its types leave out the value. */
type ReadToken = Token & { value: unknown; loc: SourceLocation }

function readTokens(file: string): ReadToken[] {
  const tokens: ReadToken[] = []
  parse(stripTypeScriptTypes(readFileSync(file, 'utf8')), {
    ecmaVersion: 'latest',
    sourceType: 'module',
    locations: true,
    onToken: token => tokens.push(token as ReadToken),
  })
  return tokens
}

function add(places: Places, place: string, expression: RegExp): void {
  places.set(place, [...(places.get(place) ?? []), expression])
}

function assertLinear(places: Places): void {
  for (const [place, expressions] of places) {
    for (const expression of expressions) {
      const attack = findSuperlinear(expression)
      assert.equal(attack, undefined, `${place} ${expression} on ${attack}`)
    }
  }
}

test('the judge knows what grows faster than its text', () => {
  const bad = [
    ...[/^(a+)+$/, /\s+$/, /[?#].*$/, /(a|b|ab)*$/, /^(.*?),(.*?),x/, /x.*y/],
    ...[/(?<=<url[^<]*)BASE/g, /(?<=^<url(?: +[^ =]+="[^"<]*")*? +value=["'])BASE/, /(\w+)\s\1x/],
  ]
  for (const expression of bad) assert.ok(findSuperlinear(expression), String(expression))
  const good = [/^[a-z]+(?: [a-z]+)*$/, /(["'])(?i:https):(?=\/|\1)/y, /a{1,64}b/, /"[^"]*"/g]
  for (const expression of good) assert.equal(findSuperlinear(expression), undefined)
})

test('[DS3] a regular expression takes steps in proportion to its text', () => {
  assert.ok(written.size > 100)
  assertLinear(written)
})

test('[DS3] so does each one that is put together at run time', async () => {
  const made = await recordBuilt(async () => {
    const load = async (file: string) => import(pathToFileURL(resolve(file)).href)
    await load('src/proxy/media-type.ts')
    const { buildEhrAddress } = await load('src/proxy/rewrite.ts')
    buildEhrAddress(['https://ehr.example.org/fhir/r4', 'http://internal:8080/fhir'])
    const { buildOwnAddress } = await load('src/proxy/own-address.ts')
    buildOwnAddress('https://app.example.org/bff')
    const { default: errors } = await load('plugins/errors.ts')
    const app = Fastify()
    app.decorate('smartMetrics', {} as FastifyInstance['smartMetrics'])
    await app.register(errors, { ehrNames: new Map(), frameAncestors: [] })
    app.get('/sessions/:id/fhir/*', () => '')
    await app.close()
  })
  assert.deepEqual([...made.keys()].sort(), [...builders].sort(), 'each place was reached')
  assertLinear(made)
})

/** Runs the code, and returns the expressions that its sources made meanwhile. */
async function recordBuilt(run: () => Promise<void>): Promise<Places> {
  const made: Places = new Map()
  const original = globalThis.RegExp
  globalThis.RegExp = new Proxy(original, {
    construct(target, parameters, newTarget) {
      const expression = Reflect.construct(target, parameters, newTarget)
      const root = pathToFileURL(resolve('.')).href
      const [, from = ''] = new Error().stack?.split('\n').slice(1) ?? []
      const place = from.slice(from.indexOf(root) + root.length + 1).replace(/:\d+\)?$/, '')
      if (from.includes(root) && /^(?:src|plugins|program)\//.test(place)) {
        add(made, place, expression)
      }
      return expression
    },
  })
  try {
    await run()
    return made
  } finally {
    globalThis.RegExp = original
  }
}

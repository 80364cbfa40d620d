import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildTokenTraces, showsToken } from '../../src/proxy/token-traces.ts'
import { countSteps } from '../work/steps.ts'

const token = fc.stringMatching(/^[\x21-\x7e]{8,60}$/)
// No sign that would join with what follows.
const scrap = fc.stringMatching(/^[ -$&-[\]-~]{0,20}$/)

const percent = (text: string) =>
  [...text].map(c => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
const forms: Record<string, (text: string) => string> = {
  'as it is': text => text,
  'as in a query': encodeURIComponent,
  'as in a query of a query': text => encodeURIComponent(encodeURIComponent(text)),
  'every byte escaped': percent,
  'every byte escaped, in capitals': text => percent(text).toUpperCase(),
  'as in JSON': text => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'as in JSON for a script': text =>
    JSON.stringify(text).replace(/[<>&']/g, c => `\\u00${c.charCodeAt(0).toString(16)}`),
  'as in JSON in a query': text => encodeURIComponent(JSON.stringify(text)),
  base64: text => Buffer.from(text).toString('base64'),
  base64url: text => Buffer.from(text).toString('base64url'),
  'base64 in a query': text => encodeURIComponent(Buffer.from(text).toString('base64')),
  hexadecimal: text => Buffer.from(text).toString('hex'),
  'hexadecimal in capitals': text => Buffer.from(text).toString('hex').toUpperCase(),
}

for (const [name, write] of Object.entries(forms)) {
  test(`[R16] a token is found ${name}, wherever it stands`, () => {
    fc.assert(
      fc.property(token, scrap, scrap, (secret, before, after) => {
        const traces = buildTokenTraces(secret)
        assert.ok(showsToken(`${before}${write(secret)}${after}`, traces))
        assert.ok(showsToken(write(`${before}${secret}${after}`), traces))
        assert.ok(showsToken(write(`Bearer ${secret}`), traces))
      }),
      { numRuns: 300 },
    )
  })
}

test('what holds no token shows none, and a token too short to be one is not looked for', () => {
  fc.assert(
    fc.property(token, scrap, (secret, text) => {
      fc.pre(!text.includes(secret))
      return !showsToken(text, buildTokenTraces(secret))
    }),
  )
  assert.deepEqual(buildTokenTraces('1234567'), [])
  assert.equal(showsToken('1234567', []), false)
})

test('a value shorter than the token costs one comparison', () => {
  const traces = buildTokenTraces('x'.repeat(1000))
  const steps = countSteps(() => void showsToken('%41'.repeat(300), traces))
  assert.ok(steps < 10, String(steps))
})

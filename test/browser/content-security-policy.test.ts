import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildPolicy, framedBy } from '../../src/browser/content-security-policy.ts'
import { readPolicies } from './policies.ts'

test('[R23] a source stays one source of its own directive, or is refused', () => {
  const source = fc.oneof(
    fc.stringMatching(/^https:\/\/[a-z]{1,9}\.example(?::[1-9]\d{0,4})?$/),
    fc.constantFrom("'none'", "'self'", 'https://a.example:8443', 'blob:'),
    fc.constantFrom('https://a; script-src *', 'https://a, default-src *', 'a b', '', 'a\nb', 'é'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(source, { maxLength: 3 }), sources => {
      const directives = { 'default-src': ["'none'"], 'frame-ancestors': framedBy(sources) }
      const areWords = sources.every(text => /^[!-~]+$/.test(text) && !/[;,]/.test(text))
      if (areWords) assert.deepEqual(readPolicies(buildPolicy(directives)), [directives])
      else assert.throws(() => buildPolicy(directives), TypeError)
    }),
    { numRuns: 300 },
  )
})

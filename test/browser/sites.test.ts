import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAnotherSite } from '../../src/browser/sites.ts'

test('another site is told for certain, and never of what browsers count as one', () => {
  for (const [origin, publicUrl, expected] of [
    ['https://app.example.org', 'https://app.example.org/bff', false],
    ['https://app.example.org', 'https://api.example.org', false],
    ['https://example.org', 'https://a.b.example.org', false],
    ['https://app.example.org:8443', 'https://app.example.org', false],
    ['http://app.example.org', 'https://app.example.org', true],
    ['https://app.example.com', 'https://app.example.org', true],
    ['https://example.org', 'https://example2.org', true],
    ['http://127.0.0.1:3000', 'http://localhost:5000', true],
    ['http://localhost:3000', 'http://localhost:5000', false],
    ['http://a.localhost:3000', 'http://localhost:5000', true],
    ['https://10.0.0.1', 'https://20.0.0.1', true],
    ['https://[::1]', 'https://[::2]', true],
  ] as const) {
    assert.equal(isAnotherSite(origin, publicUrl), expected, `${origin} ${publicUrl}`)
  }
})

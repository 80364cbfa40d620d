import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAnotherSite } from '../../src/browser/sites.ts'

test('another site is told for certain, by the public suffix list, and never of what browsers count as one', () => {
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
    // Below one public suffix of several labels, of a registry or of a company.
    ['https://app.co.uk', 'https://api.co.uk', true],
    ['https://a.app.co.uk', 'https://b.app.co.uk', false],
    ['https://app.github.io', 'https://api.github.io', true],
    ['https://a.app.github.io', 'https://app.github.io', false],
    ['https://app', 'https://api', true],
    ['https://app.clinic.internal', 'https://api.clinic.internal', false],
  ] as const) {
    assert.equal(isAnotherSite(origin, publicUrl), expected, `${origin} ${publicUrl}`)
  }
})

// The request that a proxy asks about: read as each proxy tells it, refused where it says nothing or two things,
// whatever a browser adds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readOriginalRequest } from '../../src/browser/original-request.ts'
import { BrokerError } from '../../src/errors.ts'

const ID = 'AbCdEfGhIjKlMnOpQrStUv'

test('[VE1] each proxy tells the request in its own way, and all are read alike', () => {
  const meant = { method: 'PUT', session: ID, api: 'notes' }
  const target = `/api/notes/7?a=1&session=${ID}`
  const nginx = { 'x-original-method': 'PUT', 'x-original-uri': target }
  const caddy = { 'x-forwarded-method': 'PUT', 'x-forwarded-uri': target }
  assert.deepEqual(readOriginalRequest('GET', '/verify?api=notes', nginx), meant)
  assert.deepEqual(readOriginalRequest('GET', '/verify?api=notes', caddy), meant)
  assert.deepEqual(readOriginalRequest('PUT', `/verify/notes${target}`, {}), meant)
  const named = { 'x-original-method': 'PUT', 'fhirstorm-session': ID }
  assert.deepEqual(readOriginalRequest('GET', '/verify?api=notes', named), meant)
})

test('[VE2] what a browser adds does not change the request that Envoy sends', () => {
  const forged = { 'x-original-method': 'GET', 'x-forwarded-uri': '/other' }
  assert.equal(readOriginalRequest('DELETE', '/verify/notes/x', forged).method, 'DELETE')
  // The session in the address of the question itself is none of the request's.
  const unnamed = { 'x-original-method': 'GET', 'x-original-uri': '/api' }
  assert.equal(readOriginalRequest('GET', `/verify?session=${ID}`, unnamed).session, undefined)
})

test('[VE2] a method that is missing, doubled, lower-case or contradicted is refused', () => {
  const cases = [
    {},
    { 'x-original-method': '' },
    { 'x-original-method': 'get' },
    { 'x-original-method': 'GET, GET' },
    { 'x-original-method': 'GET', 'x-forwarded-method': 'POST' },
    { 'x-original-method': ['GET', 'POST'] },
    { 'x-original-method': 'GET', 'x-original-uri': '/a', 'x-forwarded-uri': '/b' },
    { 'x-original-method': 'GET', 'x-original-uri': ['/a', '/b'] },
  ]
  for (const headers of cases) {
    assert.throws(() => readOriginalRequest('GET', '/verify', headers), { code: 'bad_request' })
  }
})

test('[VE2] a header that names no session is not taken for one that names none', () => {
  for (const named of ['', 'x', `${ID}x`, [ID], [ID, ID]]) {
    const headers = { 'x-original-method': 'GET', 'fhirstorm-session': named }
    assert.throws(() => readOriginalRequest('GET', '/verify', headers), { code: 'session_invalid' })
  }
})

test('[VE2] whatever is sent, a request is read or refused in our words, and names only what may be one', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('GET', ID, `/x?session=${ID}`),
  )
  const value = fc.option(text, { nil: undefined })
  const names = ['x-original-method', 'x-original-uri', 'x-forwarded-method', 'x-forwarded-uri']
  const headers = fc.record(
    Object.fromEntries([...names, 'fhirstorm-session'].map(name => [name, value])),
  )
  fc.assert(
    fc.property(text, text, headers, (method, rest, sent) => {
      try {
        const read = readOriginalRequest(method, `/verify${rest}`, sent)
        assert.match(read.method, /^[A-Z]{1,16}$/)
        assert.match(read.session ?? ID, /^[A-Za-z0-9_-]{22}$/)
        assert.match(read.api ?? 'a', /^[a-z0-9][a-z0-9-]{0,31}$/)
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
      }
    }),
  )
})

// What goes to an EHR twice, and when: after a connection that ended without an answer, and after a 401.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRepeatable, isReplayable } from '../../src/proxy/repeatable.ts'

const version = { 'if-match': 'W/"3"' }
const anyVersion = { 'if-match': '*' }
const record = { 'if-none-exist': 'identifier=urn:mrn|1' }

const requests: [
  method: string,
  path: string,
  headers: object,
  repeats: boolean,
  replays: boolean,
][] = [
  ['GET', '/Patient/1', {}, true, true],
  ['HEAD', '/Patient/1', {}, true, true],
  ['GET', '/Patient/1/$everything', {}, true, true],
  ['PUT', '/Patient/1', {}, true, false],
  ['PUT', '/Patient/1', version, true, true],
  ['PUT', '/Patient/1', anyVersion, true, false],
  ['DELETE', '/Patient/1', {}, true, false],
  ['DELETE', '/Patient/1', version, true, true],
  ['POST', '/Patient/_search', {}, true, true],
  ['POST', '/_search', {}, true, true],
  ['POST', '/Patient/1/Observation/_search', {}, true, true],
  ['POST', '/Patient/$match/_search', {}, false, false],
  ['POST', '/Patient/_searching', {}, false, false],
  ['POST', '/Patient', {}, false, false],
  ['POST', '/Patient', version, false, false],
  ['POST', '/Patient', record, false, true],
  ['POST', '/Patient/', record, false, true],
  ['POST', '/Patient', { 'if-none-exist': '' }, false, false],
  ['POST', '/Patient', { 'if-none-exist': 'identifier' }, false, false],
  ['POST', '', record, false, false],
  ['POST', '/', record, false, false],
  ['POST', '/Patient/$match', record, false, false],
  ['POST', '/Patient/1/$everything', record, false, false],
  ['PATCH', '/Patient/1', {}, false, false],
  ['PATCH', '/Patient/1', version, false, true],
  ['PATCH', '/Patient/1', anyVersion, false, false],
  ['PATCH', '/Patient/1', { 'if-match': ' * ' }, false, false],
  ['PATCH', '/Patient/1', record, false, false],
]

test('[Q47, R8] what may be sent twice: by method, and after a refusal by a condition that a second one fails', () => {
  for (const [method, path, headers, repeats, replays] of requests) {
    const request = { method, target: { path }, request: { headers } }
    const title = `${method} ${path} ${JSON.stringify(headers)}`
    assert.deepEqual([isRepeatable(request), isReplayable(request)], [repeats, replays], title)
  }
})

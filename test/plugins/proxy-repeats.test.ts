// Connections that had been used and end under the next request: what the EHR received of each kind of
// request is counted, with TLS and without, for each way in which a connection ends.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createAuthority } from '../network/certificates.ts'
import { answer, type EhrRequest } from '../network/fake-ehr.ts'
import { type Calling, useRig } from './proxy-rig.ts'

const authority = createAuthority()
const plainEnds: Record<string, (socket: Socket) => void> = {
  'a reset': socket => socket.resetAndDestroy(),
  'an end': socket => socket.end(),
  'a break': socket => socket.destroy(),
}
/** A TLS socket of Node's sends no reset. */
const { 'a reset': _, ...tlsEnds } = plainEnds

const body = '{"resourceType":"Patient"}'
const fhir = { 'content-type': 'application/fhir+json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const patch = { 'content-type': 'application/json-patch+json' }
const record = { 'if-none-exist': 'identifier=1' }
const transaction = '{"resourceType":"Bundle","type":"transaction","entry":[]}'

const kinds: [title: string, times: number, path: string, how: Calling][] = [
  ['a read', 2, '/Patient/1', {}],
  ['a head', 2, '/Patient/1', { method: 'HEAD' }],
  ['an update', 2, '/Patient/1', { method: 'PUT', headers: fhir, body }],
  [
    'an update of a version',
    2,
    '/Patient/1',
    { method: 'PUT', headers: { ...fhir, 'if-match': 'W/"1"' }, body },
  ],
  ['a deletion', 2, '/Patient/1', { method: 'DELETE' }],
  ['a search by POST', 2, '/Patient/_search', { method: 'POST', headers: form, body: 'name=a' }],
  ['a create', 1, '/Patient', { method: 'POST', headers: fhir, body }],
  [
    'a create with If-Match',
    1,
    '/Patient',
    { method: 'POST', headers: { ...fhir, 'if-match': 'W/"1"' }, body },
  ],
  [
    'a create if there is none',
    1,
    '/Patient',
    { method: 'POST', headers: { ...fhir, ...record }, body },
  ],
  ['an operation', 1, '/Patient/$match', { method: 'POST', headers: { ...fhir, ...record }, body }],
  ['a transaction', 1, '', { method: 'POST', headers: { ...fhir, ...record }, body: transaction }],
  ['a patch', 1, '/Patient/1', { method: 'PATCH', headers: patch, body: '[]' }],
  [
    'a patch of any version',
    1,
    '/Patient/1',
    { method: 'PATCH', headers: { ...patch, 'if-match': '*' }, body: '[]' },
  ],
  [
    'a patch of a version',
    1,
    '/Patient/1',
    { method: 'PATCH', headers: { ...patch, 'if-match': 'W/"1"' }, body: '[]' },
  ],
  [
    'a patch with If-None-Exist',
    1,
    '/Patient/1',
    { method: 'PATCH', headers: { ...patch, ...record }, body: '[]' },
  ],
]

for (const tls of [undefined, authority.issue('IP:127.0.0.1')]) {
  const network = { reach: 'public', ca: authority.ca } as const
  for (const [name, end] of Object.entries(tls ? tlsEnds : plainEnds)) {
    describe(`${name} of a connection that was used, ${tls ? 'with' : 'without'} TLS`, () => {
      // Each kind has an EHR that nobody knows yet to do so.
      for (const [title, times, path, how] of kinds) {
        describe(title, () => {
          const rig = useRig({ tls, registration: tls && { network } })

          test(`[Q47] is received ${times === 1 ? 'once' : 'twice at most'}`, async () => {
            const counts = new Map<Socket, number>()
            const received: EhrRequest[] = []
            rig.ehr.handler = async request => {
              await request.body()
              const count = (counts.get(request.socket) ?? 0) + 1
              counts.set(request.socket, count)
              if (count > 1) {
                received.push(request)
                return end(request.socket)
              }
              if (rig.ehr.requests.length > 1) received.push(request)
              answer(request, { body: request.method === 'HEAD' ? '' : body })
            }
            assert.equal((await rig.call('/Patient/1')).status, 200)
            await pause(20)
            const { status, refusal } = await rig.call(path, how)
            assert.equal(received.length, times)
            assert.equal(new Set(received.map(({ socket }) => socket)).size, times)
            const told = times === 1 ? '502 upstream_broken' : '200 undefined'
            assert.equal(`${status} ${refusal}`, told)
          })
        })
      }
    })
  }
}

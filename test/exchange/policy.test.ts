// What an operator lets pass: the table of interactions and scopes, and batches entry by entry.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireAllowed, requireAllowedBatch } from '../../src/exchange/policy.ts'
import { findInteraction } from '../../src/smart/scope/interaction.ts'

const interactions: [
  method: string,
  path: string,
  permission: string | undefined,
  type?: string,
][] = [
  ['GET', '/metadata', undefined],
  ['GET', '/Patient/1', 'r', 'Patient'],
  ['HEAD', '/Patient/1', 'r', 'Patient'],
  ['GET', '/Patient/1/_history/2', 'r', 'Patient'],
  ['GET', '/Patient/1/_history', 'r', 'Patient'],
  ['GET', '/Patient', 's', 'Patient'],
  ['GET', '/Patient/', 's', 'Patient'],
  ['GET', '/Patient/_history', 's', 'Patient'],
  ['POST', '/Patient/_search', 's', 'Patient'],
  ['POST', '/Patient/1/Observation/_search', 's', 'Observation'],
  ['GET', '/Patient/1/Observation', 's', 'Observation'],
  ['GET', '/Patient/1/*', 's', '*'],
  ['GET', '', 's', '*'],
  ['GET', '/_history', 's', '*'],
  ['POST', '/_search', 's', '*'],
  ['POST', '/Patient', 'c', 'Patient'],
  ['PUT', '/Patient/1', 'u', 'Patient'],
  ['PUT', '/Patient', 'u', 'Patient'],
  ['PATCH', '/Patient/1', 'u', 'Patient'],
  ['DELETE', '/Patient/1', 'd', 'Patient'],
  ['DELETE', '/Patient', 'd', 'Patient'],
  ['GET', '/Patient/1/$everything', 'x', 'Patient'],
  ['POST', '/Patient/$match', 'x', 'Patient'],
  ['POST', '/$export', 'x', '*'],
  ['POST', '/Patient/1/odd', 'cruds', 'Patient'],
  ['POST', '/patient', 'cruds', '*'],
  ['DELETE', '/Patient/_history', 'cruds', 'Patient'],
  ['DELETE', '/_history', 'cruds', '*'],
  ['POST', '', 'cruds', '*'],
  // As the EHR reads it: escapes are letters, and a method that is none of HTTP's may be one to it.
  ['DELETE', '/Pati%65nt/1', 'd', 'Patient'],
  ['POST', '/Patient/%24match', 'x', 'Patient'],
  ['POST', '/Patient/_s%65arch', 's', 'Patient'],
  ['GET', '/%6Detadata', undefined],
  ['delete', '/Patient/1', 'cruds', '*'],
  ['toString', '/Patient/1', 'cruds', '*'],
  ['PURGE', '/Patient/1', 'cruds', '*'],
]

const scopes: [scope: string, holds: (permission: string, type: string) => boolean][] = [
  ['', () => false],
  ['openid launch/patient', () => false],
  ['patient/*.cruds', () => true],
  ['user/*.*', () => true],
  ['patient/*.read', permission => isIn('rsx', permission)],
  ['patient/Patient.rs', (permission, type) => isIn('rsx', permission) && type === 'Patient'],
  ['patient/Patient.r', (permission, type) => isIn('rx', permission) && type === 'Patient'],
  [
    'system/Observation.cud',
    (permission, type) => isIn('cud', permission) && type === 'Observation',
  ],
  ['patient/Patient.write', (permission, type) => isIn('cud', permission) && type === 'Patient'],
  [
    'patient/Observation.s?category=laboratory patient/Patient.u',
    (permission, type) =>
      (isIn('sx', permission) && type === 'Observation') ||
      (permission === 'u' && type === 'Patient'),
  ],
]

function isIn(letters: string, permission: string): boolean {
  return permission.length === 1 && letters.includes(permission)
}

const open = { readOnly: false, enforceScopes: false }

test('[PO1] every kind of request is one interaction, and passes where a granted scope can hold it', () => {
  for (const [method, path, permission, type] of interactions) {
    const expected = permission && { permission, type }
    assert.deepEqual(findInteraction(method, path), expected, `${method} ${path}`)
    for (const [grantedScope, holds] of scopes) {
      const asked = { method, target: { path }, grantedScope }
      const isAllowed =
        permission === undefined || holds(permission, type ?? '') || isBatch(method, path)
      check(
        isAllowed,
        () => requireAllowed(asked, { ...open, enforceScopes: true }),
        `${method} ${path} ${grantedScope}`,
      )
    }
  }
})

test('[PO1] reading alone, methods and types, each by itself', () => {
  for (const [method, path, permission, type = '*'] of interactions) {
    const asked = { method, target: { path }, grantedScope: '' }
    const title = `${method} ${path}`
    const isFree = permission === undefined || isBatch(method, path)
    const isRead = method === 'GET' || method === 'HEAD' || permission === 's'
    check(isFree || isRead, () => requireAllowed(asked, { ...open, readOnly: true }), title)
    check(
      isFree || method === 'GET',
      () => requireAllowed(asked, { ...open, methods: ['GET'] }),
      title,
    )
    const types = { ...open, types: ['Patient'] }
    check(isFree || type === 'Patient', () => requireAllowed(asked, types), title)
    requireAllowed(asked, open)
  }
})

test('[PO1] a batch passes where each of its entries would, and where it can be read', () => {
  const batch = (...requests: [method: string, url: string][]) =>
    JSON.stringify({
      ...{ resourceType: 'Bundle', type: 'batch' },
      entry: requests.map(([method, url]) => ({ request: { method, url } })),
    })
  const granted = {
    grantedScope: 'patient/Patient.rs',
    base: 'https://ehr.example.org/api/FHIR/R4',
  }
  const policy = { ...open, enforceScopes: true }
  for (const [text, isAllowed] of [
    [batch(), true],
    [batch(['GET', 'Patient/1'], ['GET', 'Patient?name=a']), true],
    [batch(['GET', 'https://ehr.example.org/api/FHIR/R4/Patient/1']), true],
    [batch(['GET', 'metadata']), true],
    [batch(['GET', 'Patient/1'], ['GET', 'Observation/1']), false],
    [batch(['DELETE', 'Patient/1']), false],
    [batch(['GET', 'https://ehr.example.org/api/FHIR/R4/Observation/1']), false],
    [batch(['delete', 'Patient/1']), false],
    [batch(['GET', 'Observati%6Fn/1']), false],
    [batch(['DELETE', 'Patient/1']).replace('"entry"', '"Entry"'), false],
    [batch(['DELETE', 'Patient/1']).replace('"request"', '"REQUEST"'), false],
    [batch(['DELETE', 'Patient/1']).replace('"method"', '"Method"'), false],
    [
      '{"entry":[{"request":{"method":"GET","url":"Patient/1"},"Request":{"method":"PUT","url":"Patient/1"}}]}',
      false,
    ],
    ['{"entry":[{"request":{"method":"GET","Method":"PUT","url":"Patient/1"}}]}', false],
    ['{"entry":[{"request":{"method":"GET","url":"Patient/1","URL":"Observation/1"}}]}', false],
    ['{"entry":{"request":{"method":"PUT","url":"Patient/1"}}}', false],
    ['{"entry":[],"ENTRY":[{"request":{"method":"PUT","url":"Patient/1"}}]}', false],
    [batch(['POST', '']), false],
    [batch(['POST', '/']), false],
    ['{"entry":[{}]}', false],
    ['{"entry":[{"request":{"method":"GET"}}]}', false],
    ['[]', false],
    ['<Bundle/>', false],
    [undefined, false],
  ] as const) {
    check(isAllowed, () => requireAllowedBatch(text, granted, policy), text ?? 'nothing')
  }
  // Whatever the policy lets pass otherwise.
  for (const text of [
    ...[batch(['POST', '']), batch(['POST', granted.base])],
    '{"entry":[{"request":{"method":7,"url":"Patient/1"}}]}',
    '{"entry":[{"request":{"method":"GET","url":7}}]}',
  ]) {
    check(false, () => requireAllowedBatch(text, granted, open), text)
  }
})

function isBatch(method: string, path: string): boolean {
  return method === 'POST' && path === ''
}

function check(isAllowed: boolean, step: () => void, title: string): void {
  if (isAllowed) assert.doesNotThrow(step, title)
  else assert.throws(step, { code: 'interaction_refused', status: 403 }, title)
}

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openDeposit, sealDeposit } from '../../../src/smart/launch/deposit.ts'

const secret = Buffer.alloc(32, 5)
const text = 'general ehr https://ehr.test/fhir verifier nonce https://app.test/redirect /'

test('only the secret of its own launch opens a deposit', async () => {
  const sealed = await sealDeposit(text, secret, 'launch-1', randomBytes)
  assert.equal(await openDeposit(sealed, secret, 'launch-1'), text)
  assert.equal(await openDeposit(sealed, secret, 'launch-2'), undefined)
  assert.equal(await openDeposit(sealed, Buffer.alloc(32, 6), 'launch-1'), undefined)
  for (const length of [0, 1, 16, 24, 31, 33, 64])
    assert.equal(await openDeposit(sealed, Buffer.alloc(length, 5), 'launch-1'), undefined)
  assert.ok(!Buffer.from(sealed, 'base64url').toString('latin1').includes('ehr.test'))
})

test('no byte of a deposit can be altered, cut or added', async () => {
  const bytes = Buffer.from(await sealDeposit(text, secret, 'launch', randomBytes), 'base64url')
  for (let at = 0; at < bytes.length; at++) {
    const altered = Buffer.from(bytes)
    altered[at] = (altered[at] ?? 0) ^ 1
    assert.equal(
      await openDeposit(altered.toString('base64url'), secret, 'launch'),
      undefined,
      `${at}`,
    )
  }
  for (const length of [0, 1, 27, 28, bytes.length - 1]) {
    const cut = bytes.subarray(0, length).toString('base64url')
    assert.equal(await openDeposit(cut, secret, 'launch'), undefined)
  }
  const longer = Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url')
  assert.equal(await openDeposit(longer, secret, 'launch'), undefined)
})

test('one text is sealed differently each time', async () => {
  const seal = () => sealDeposit(text, secret, 'launch', randomBytes)
  assert.notEqual(await seal(), await seal())
})

// What is written about errors: names and codes, never messages, payloads or addresses.

import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { errors, UnsecuredJWT } from 'jose'
import { type Logger, pino } from 'pino'
import { buildLoggerOptions } from '../../program/logging.ts'
import { BrokerError } from '../../src/errors.ts'

function write(log: (logger: Logger<never>) => void): string {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  log(pino(buildLoggerOptions('trace'), sink))
  return lines.join('')
}

test('[G2, G3] errors of libraries are written as names and codes, through any chain of causes', () => {
  const canary = 'amy-shaw-canary'
  const claims = { sub: canary, name: canary }
  const url = `redis://user:${canary}@vault.lan:6379`
  const library = [
    new errors.JWTExpired(canary, claims, 'exp', canary),
    new errors.JWTClaimValidationFailed(canary, claims, 'aud', canary),
    Object.assign(new Error(`connect ECONNREFUSED ${url}`), { code: 'ECONNREFUSED', address: url }),
    new AggregateError([new Error(canary)], canary),
    Object.assign(new TypeError(canary), { code: canary.repeat(20), body: new UnsecuredJWT({}) }),
    { message: canary, name: canary.repeat(20) },
    canary,
  ]
  for (const error of library) {
    const wrapped = new BrokerError('internal', { cause: new Error(canary, { cause: error }) })
    const text = write(logger => {
      logger.error({ err: error }, 'fault')
      logger.error({ err: wrapped }, 'fault')
      if (error instanceof Error) logger.error(error, 'fault')
    })
    assert.ok(!text.includes(canary), text)
  }
})

test('[G4] whatever an error is called, its line is one line of JSON, and short', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, code) => {
      const error = Object.assign(new Error(name), { name, code })
      const text = write(logger => logger.error({ err: error }, 'fault'))
      assert.equal(text.trimEnd().split('\n').length, 1)
      assert.ok(JSON.parse(text).err)
      assert.ok(text.length < 400)
    }),
  )
})

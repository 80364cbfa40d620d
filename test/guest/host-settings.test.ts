// What docs/plugins.md asks of a host's server, tried with and without it.

import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import fastify, { type FastifyServerOptions } from 'fastify'
import errors from '../../plugins/errors.ts'
import guard from '../../plugins/guard.ts'
import proxy from '../../plugins/proxy.ts'
import { buildLoggerOptions } from '../../program/index.ts'
import { answer, startFakeEhr } from '../network/fake-ehr.ts'

const publicUrl = 'https://app.example.org'

async function startHost(settings: FastifyServerOptions, logLevel?: 'silent') {
  const ehr = await startFakeEhr()
  ehr.handler = request => answer(request, { body: '{"resourceType":"Patient"}' })
  const app = fastify(settings)
  app.get('/own', async () => 'the host')
  await app.register(
    async scope => {
      await scope.register(errors)
      await scope.register(guard, { publicUrl })
      await scope.register(proxy, {
        registrations: [{ id: 'general', iss: `${ehr.origin}/fhir/r4` }],
        publicUrl,
        token: async () => ({ ehr: 'general', accessToken: 'token' }),
      })
    },
    { logLevel },
  )
  const call = (url: string, method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({ method, url, headers: { host: 'app.example.org' } })
  const close = async () => {
    await app.close()
    await ehr.close()
  }
  return { app, ehr, call, close }
}

test('FHIR paths are of any length; a long id is refused in our words where maxParamLength is large', async t => {
  const path = `/fhir/Patient/${'a'.repeat(60)}/_history/${'b'.repeat(60)}`
  const stranger = `/sessions/${'c'.repeat(200)}/fhir/Patient/1`
  const large = await startHost({ routerOptions: { maxParamLength: 8192 } })
  t.after(large.close)
  assert.equal((await large.call(path)).statusCode, 200)
  assert.equal((await large.call(stranger)).statusCode, 200, 'the host knows its sessions')
  const usual = await startHost({})
  t.after(usual.close)
  assert.equal((await usual.call(path)).statusCode, 200)
  const refused = await usual.call(stranger)
  assert.deepEqual(
    [refused.statusCode, refused.headers['proxy-status'], refused.body.includes('ccc')],
    [414, undefined, true],
  )
})

test('FHIR has HEAD whatever the host says of HEAD routes', async t => {
  for (const exposeHeadRoutes of [true, false]) {
    const host = await startHost({ exposeHeadRoutes })
    t.after(host.close)
    assert.equal((await host.call('/fhir/Patient/1', 'HEAD')).statusCode, 200)
  }
})

test('logLevel is the scope’s alone, and buildLoggerOptions writes no address', async t => {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const logger = { ...buildLoggerOptions('info'), stream }
  const loud = await startHost({ logger })
  t.after(loud.close)
  await loud.call('/fhir/Patient?name=secret')
  assert.ok(lines.length > 0)
  assert.ok(!lines.join('').includes('secret') && !lines.join('').includes('/fhir'))
  lines.length = 0
  const quiet = await startHost({ logger }, 'silent')
  t.after(quiet.close)
  await quiet.call('/fhir/Patient/1')
  assert.deepEqual(lines, [])
  await quiet.call('/own')
  assert.ok(lines.length > 0)
})

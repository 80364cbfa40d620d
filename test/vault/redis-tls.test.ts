// Redis over TLS: its certificate is verified, whatever the environment says.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { openRedisVault } from '../../src/vault/redis.ts'
import { createAuthority } from '../network/certificates.ts'

test('[V14, T13] a Redis with a certificate of nobody is sent nothing', async t => {
  const stranger = createAuthority('A stranger').issue('IP:127.0.0.1')
  let received = 0
  const server = createServer(stranger, socket => {
    socket
      .on('error', () => {})
      .on('data', chunk => {
        received += chunk.length
      })
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  const { port } = server.address() as { port: number }
  const url = `rediss://user:canary@127.0.0.1:${port}`
  const { vault, warnings } = await openRedisVault({ url }, Date.now)
  t.after(async () => {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    await vault.close()
    server.close()
  })
  assert.match(warnings.join(), /cannot be asked yet \(Redis: [A-Z_]*(SIGNATURE|CERT)[A-Z_]*\)/)
  assert.equal(received, 0)
})

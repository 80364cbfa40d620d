// The image's own health check, run as the image runs it, beside a product below a path.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { findPort } from './world/port.ts'
import { createWorld } from './world/world.ts'

const [, written = ''] =
  /HEALTHCHECK [\s\S]*?CMD (\[.*\])/.exec(readFileSync('Dockerfile', 'utf8')) ?? []
const [, ...args] = JSON.parse(written) as string[]

async function isHealthy(port: number | string): Promise<boolean> {
  const env = { ...process.env, PORT: String(port) }
  const [status] = await once(spawn(process.execPath, args, { env, stdio: 'ignore' }), 'exit')
  return status === 0
}

test('[AD2] the image is healthy where the public URL has a path, and unhealthy where nothing answers', async t => {
  const world = await createWorld({
    configure(document) {
      document.publicUrl += '/bff'
    },
  })
  t.after(() => world.close())
  assert.ok(await isHealthy(new URL(world.app).port))
  assert.ok(!(await isHealthy(await findPort())))
})

// examples/curl.sh does what it says, and says so when it cannot.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { createWorld, type World } from '../world/world.ts'

interface Run {
  status: number | string
  output: string
  faults: string
}

describe('examples/curl.sh', () => {
  let world: World
  before(async () => {
    world = await createWorld()
  })
  after(() => world.close())

  test('logs in both ways, reads, turns a page and ends its sessions', async () => {
    const { status, output, faults } = await run({ BASE: world.app, SANDBOX: world.sandbox.url })
    assert.equal(status, 0, faults)
    assert.match(output, /"resourceType":"Patient","id":"hiro-tanaka"/)
    assert.match(output, /Body weight {2}[\d.]+ kg/)
    assert.match(output, /401 \{"resourceType":"OperationOutcome"/)
    assert.match(output, /All of it worked\.\n$/)
    assert.equal(faults, '')
  })

  test('fails aloud where there is no EHR, and where there is no fhirstorm', async () => {
    const nowhere = await run({ BASE: world.app, SANDBOX: 'http://127.0.0.1:1' })
    assert.equal(nowhere.status, 1)
    assert.match(nowhere.faults, /FAILED: no way through/)
    const elsewhere = await run({ BASE: 'http://localhost:1', SANDBOX: world.sandbox.url })
    assert.notEqual(elsewhere.status, 0)
  })
})

function run(env: Record<string, string>): Promise<Run> {
  return new Promise(done => {
    const options = { env: { ...process.env, ...env } }
    execFile('sh', ['examples/curl.sh'], options, (error, output, faults) => {
      done({ status: error?.code ?? 0, output, faults })
    })
  })
}

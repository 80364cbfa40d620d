// examples/typed-client: the contract makes types that compile, and calls that the product answers. What
// makes the types is brought by `npm ci --prefix examples/typed-client`; without it this is skipped.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { endsSession, readKind } from '../../client/fault.ts'
import { faultCodes } from '../../src/errors.ts'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { removeFolder } from '../world/folder.ts'
import { createWorld, type World } from '../world/world.ts'

const example = resolve('examples/typed-client')
const isBrought = existsSync(join(example, 'node_modules'))
const skip = isBrought ? false : 'npm ci --prefix examples/typed-client'

describe('a client made from the contract', { skip }, () => {
  let world: World
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fhirstorm-typed-'))
    for (const file of ['client.ts', 'read.ts', 'package.json', 'tsconfig.json']) {
      await cp(join(example, file), join(folder, file))
    }
    await symlink(join(example, 'node_modules'), join(folder, 'node_modules'))
    const [contract, types] = [resolve('openapi.yaml'), join(folder, 'contract.d.ts')]
    await run('openapi-typescript/bin/cli.js', [contract, '--output', types])
    world = await createWorld()
  })
  after(async () => {
    await world?.close()
    removeFolder(folder)
  })

  test('compiles, and does not once a path, a parameter or a code is wrong', async () => {
    await run('typescript/bin/tsc', [])
    const wrong = [
      ["type: 'Patient', resourceId: patient", "type: 'Patient'"],
      ["path: { id, type: 'Observation' }", "path: { id, path: 'Observation' }"],
      ["api.GET('/sessions')", "api.GET('/session')"],
      ['describe(other.error.code)', "describe('no_such_code')"],
    ] as const
    const source = await readFile(join(folder, 'read.ts'), 'utf8')
    for (const [right, changed] of wrong) {
      assert.ok(source.includes(right), right)
      await writeIn(folder, source.replace(right, changed))
      await assert.rejects(run('typescript/bin/tsc', []), /error TS/, changed)
    }
    await writeIn(folder, source)
  })

  test('asks to log in again where the session is over, as fhirstorm/browser knows it, and nowhere else', async () => {
    const { describe: say } = await import(pathToFileURL(join(folder, 'client.ts')).href)
    for (const code of faultCodes) {
      const headers = new Headers({ 'proxy-status': `fhirstorm; details="${code}"` })
      assert.equal(say(code) === 'Please log in again.', endsSession(readKind(headers)), code)
    }
  })

  test('reads sessions, a resource and a search, and knows a refusal by its code', async () => {
    const browser = createBrowser()
    await logIn(world, browser, 'amy-shaw')
    const seen: string[] = []
    const send = async (request: Request) => {
      seen.push(request.url)
      const answer = await browser.fetch(request.url, { method: request.method })
      return new Response(answer.text, { status: answer.status, headers: answer.headers })
    }
    const { read } = await import(pathToFileURL(join(folder, 'read.ts')).href)
    const [patient, found, refusal] = await read(world.app, send)
    assert.equal(patient, 'Patient/amy-shaw')
    assert.match(found, /^Bundle at /)
    assert.equal(refusal, 'Please log in again.')
    const search = seen.find(url => url.includes('Observation'))
    assert.deepEqual(new URL(search ?? '').searchParams.getAll('date'), [
      'ge1990-01-01',
      'le2100-01-01',
    ])
    assert.ok(seen.every(url => !/%2F/i.test(url)))
  })

  function run(tool: string, parameters: string[]): Promise<string> {
    const script = join(example, 'node_modules', tool)
    return new Promise((done, fail) => {
      execFile(
        process.execPath,
        [script, ...parameters],
        { cwd: folder },
        (error, output, faults) => {
          if (error) fail(new Error(output + faults))
          else done(output)
        },
      )
    })
  }
})

async function writeIn(folder: string, text: string): Promise<void> {
  await writeFile(join(folder, 'read.ts'), text)
}

// What README.md tells a reader to type, typed.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { removeFolder } from '../world/folder.ts'
import { createWorld } from '../world/world.ts'

const run = promisify(execFile)

test('[Z6] the curl lines of the README log in, read and log out', async t => {
  const [, block = ''] =
    /<!-- test:curl -->\n```sh\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8')) ?? []
  assert.ok(block.includes('curl'))
  const world = await createWorld()
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-readme-'))
  t.after(async () => {
    await world.close()
    removeFolder(folder)
  })
  const script = block
    .replaceAll('http://localhost:5000', world.app)
    .replaceAll('http://127.0.0.1:5001', world.sandbox.url)
    .replace(/^curl/gm, 'echo; curl')
  const paste = async (text: string) => {
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', text], { cwd: folder })
    return stdout
      .split('\n')
      .filter(line => /^[[{]/.test(line))
      .map(line => JSON.parse(line))
  }
  // Once, again from the top before the end, and again after it.
  const untilLogout = script.slice(0, script.indexOf('# Log out'))
  for (const text of [untilLogout, script, script]) {
    const [sessions, patient, vitals, out] = await paste(text)
    assert.equal(sessions[0].patient, 'amy-shaw')
    assert.equal(sessions.length, 1)
    assert.equal(patient.resourceType, 'Patient')
    assert.equal(vitals.entry.length, 5)
    assert.ok(vitals.link[1].url.startsWith(sessions[0].fhirBaseUrl))
    if (text === script) assert.equal(out.endSessionUrls.length, 1)
  }
  const again = await run('curl', ['-s', '-b', join(folder, 'jar'), `${world.app}/fhir/Patient`])
  assert.match(again.stdout, /session_invalid/)
})

test('the javascript of the README is what the routes answer to', async t => {
  const world = await createWorld()
  t.after(() => world.close())
  const { logIn } = await import('../flow/login.ts')
  const { createBrowser } = await import('../world/browser.ts')
  const browser = createBrowser()
  const { landing, document } = await logIn(
    world,
    browser,
    'amy-shaw',
    'ehr=general&return_to=/app',
  )
  assert.match(landing.url, /\/app\?session=[\w-]{22}$/)
  const patient = await browser.fetch(`${document.fhirBaseUrl}/Patient/${document.patient}`)
  assert.equal(patient.status, 200)
})

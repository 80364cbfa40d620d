// A login whose code has been exchanged when the vault fails: there is no session, so what the EHR has
// given goes back to it, and the user can begin again.

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TokenCall } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { logIn } from '../flow/login.ts'
import { isAccepted, isRenewable } from '../flow/tokens.ts'
import { createBrowser } from '../world/browser.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { eventually } from '../world/eventually.ts'
import { createWorld } from '../world/world.ts'
import { codeOf } from './refresh-rig.ts'

test('[T14, O10] tokens whose session could not be stored are given back', async t => {
  let onExchange = () => {}
  const given: Record<string, unknown>[] = []
  const tellingFace = {
    name: 'telling',
    about: 'Tells when a code is exchanged.',
    token(body: Record<string, unknown>, { renewal }: TokenCall) {
      if (renewal === 0) {
        given.push(body)
        onExchange()
      }
      return json(body)
    },
  }
  const world = await createWorld({
    sandbox: { faces: [tellingFace], ehrIds: ehrIdsWith('telling') },
    configure: (document, sandboxUrl) => registerFaces(document, sandboxUrl, ['telling']),
  })
  t.after(() => world.close())
  const other = new DatabaseSync((world.config.vault as { path: string }).path)
  t.after(() => other.close())
  const browser = createBrowser()
  onExchange = () => other.exec('BEGIN IMMEDIATE')
  const begun = await browser.navigate(`${world.app}/login?ehr=telling`, () => true)
  const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
  const refused = await browser.navigate(authorize)
  assert.deepEqual([refused.status, codeOf(refused)], [503, 'vault_unavailable'])
  assert.ok(
    ![...browser.cookies(world.app).keys()].some(name => /^fhirstorm-[\w-]{22}$/.test(name)),
  )
  const tokens = {
    accessToken: String(given[0]?.access_token),
    refreshToken: String(given[0]?.refresh_token),
  } as TokenSet
  assert.ok(await eventually(async () => !(await isAccepted(world, tokens, 'telling'))))
  assert.equal(await isRenewable(world, tokens, 'telling'), false)
  assert.equal(given.length, 1)

  other.exec('ROLLBACK')
  onExchange = () => {}
  await logIn(world, browser, 'amy-shaw', 'ehr=telling')
})

// A logout at the EHR while the vault cannot be written: 204 says that all has ended, so it is not said
// before; the same token may then be sent again, and does what is left.

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { logIn } from '../flow/login.ts'
import { createLogoutSigner, sendLogout } from '../flow/logout-token.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { createWorld, type World } from '../world/world.ts'

/** Two registrations at one issuer; `refuses` says which removals the vault fails at. */
async function start(t: TestContext, refuses: (id: string) => boolean = () => false) {
  const signer = createLogoutSigner()
  const world = await createWorld({
    sandbox: { faces: [signer.face], ehrIds: ehrIdsWith('signing') },
    configure(document, sandboxUrl) {
      registerFaces(document, sandboxUrl, ['signing'])
    },
    adjust(options) {
      const { vault } = options.vault
      options.vault.vault = {
        ...vault,
        async remove(id, ...rest) {
          if (refuses(id)) throw new BrokerError('vault_unavailable')
          return await vault.remove(id, ...rest)
        },
      }
    },
  })
  t.after(() => world.close())
  await logIn(world, createBrowser(), 'amy-shaw', 'ehr=signing')
  return { world, sign: (changes: object) => signer.signToken(world, { ...changes }) }
}

const list = async ({ app }: World, browser: Browser) =>
  (await browser.fetch(`${app}/sessions`)).json<{ id: string }[]>().map(({ id }) => id)

test('[O9] a logout at the EHR is acknowledged when it is done, and can be sent again until then', async t => {
  const { world, sign } = await start(t)
  const browser = createBrowser()
  const session = await logIn(world, browser, 'amy-shaw')
  const { path } = world.config.vault as { path: string }
  const token = await sign({ sub: 'practitioner' })
  const other = new DatabaseSync(path)
  t.after(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  for (let tries = 0; tries < 2; tries++) {
    const { status, headers } = await sendLogout(world, token)
    assert.equal(status, 503)
    assert.ok(Number(headers.get('retry-after')) > 0)
  }
  other.exec('ROLLBACK')
  assert.equal((await sendLogout(world, token)).status, 204)
  assert.deepEqual(await list(world, browser), [])
  assert.equal((await browser.fetch(`${session.fhirBaseUrl}/Patient`)).status, 401)
  assert.equal((await sendLogout(world, token)).status, 400)
})

test('[O9] one ending that fails among many is no ending of all: the rest end, and it is told', async t => {
  const stuck = new Set<string>()
  const { world, sign } = await start(t, id => stuck.has(id))
  const store = world.product.smartSessions
  const browsers = Array.from({ length: 6 }, createBrowser)
  const ids: string[] = []
  for (const [i, browser] of browsers.entries()) {
    // Half of them at the other registration of the same issuer.
    ids.push((await logIn(world, browser, 'amy-shaw', `ehr=${i % 2 ? 'signing' : 'general'}`)).id)
  }
  const records = ids.map(id => store.recordId(id))
  const inVault = async () =>
    (await Promise.all(records.map(id => world.product.smartVault.read(id)))).map(Boolean)
  stuck.add(records[1] as string)
  const token = await sign({ sub: 'practitioner' })
  assert.equal((await sendLogout(world, token)).status, 503)
  assert.deepEqual(await inVault(), [false, true, false, false, false, false])
  assert.equal((await sendLogout(world, token)).status, 503)
  stuck.clear()
  assert.equal((await sendLogout(world, token)).status, 204)
  assert.deepEqual(await inVault(), Array(6).fill(false))
  for (const browser of browsers) assert.deepEqual(await list(world, browser), [])
  assert.equal((await sendLogout(world, token)).status, 400)
})

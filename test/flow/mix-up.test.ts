// Mix-up: the user begins a login at an EHR that is in an attacker's hands, which sends the browser on
// to an honest EHR with the challenge of the attacker's own login there. Whoever takes the honest EHR's
// code for the other's hands it over, and the attacker's browser ends with the user's patient.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Face } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { type Answer, createBrowser } from '../world/browser.ts'
import { type ConfigDocument, createWorld, type World } from '../world/world.ts'
import { type AttackerEhr, startAttackerEhr } from './attacker-ehr.ts'
import { logIn } from './login.ts'

interface Scene {
  world: World
  attacker: AttackerEhr
}

/** An honest EHR of before RFC 9207. */
const nameless: Face = {
  name: 'nameless',
  about: 'Neither announces the iss of its answers nor sends it.',
  smartConfiguration: ({ authorization_response_iss_parameter_supported: _, ...document }) =>
    json(document),
  callback: ({ searchParams }) => searchParams.delete('iss'),
}

/** An honest EHR, and the attacker's beside it. */
async function setScene(
  t: TestContext,
  honest: string,
  settle: (document: ConfigDocument, attacker: AttackerEhr, sandboxUrl: string) => void,
): Promise<Scene> {
  const attacker = await startAttackerEhr(t)
  const world = await createWorld({
    sandbox: { faces: [nameless] },
    configure(document, sandboxUrl) {
      const [general] = document.ehrs
      const iss = honest === 'r4' ? general.iss : `${sandboxUrl}/faces/${honest}/fhir`
      document.ehrs = [
        { ...general, iss },
        { ...general, id: 'evil', name: 'Evil', iss: attacker.iss, origins: [], clientId: 'evil' },
      ]
      settle(document, attacker, sandboxUrl)
    },
  })
  t.after(() => world.close())
  return { world, attacker }
}

/** Plays the attack; what the user's browser was answered, and the attacker's landing if there is one. */
async function attack({ world, attacker }: Scene, redirectOf: string) {
  const thief = createBrowser()
  const begun = await thief.navigate(`${world.app}/login?ehr=general`, () => true)
  const own = new URL(begun.headers.get('location') ?? '')
  const state = own.searchParams.get('state') ?? ''
  const redirectUri = world.config.registrations.find(({ id }) => id === redirectOf)?.redirectUri
  attacker.sendOn = asked => {
    const request = new URL(own)
    request.searchParams.set('state', asked)
    request.searchParams.set('redirect_uri', redirectUri ?? '')
    return `${request}&patient=amy-shaw&auto=1`
  }
  const victim = createBrowser()
  const answer = await victim.navigate(`${world.app}/login?ehr=evil`)
  const [code] = attacker.codes
  let loot: Answer | undefined
  if (code !== undefined) {
    const back = new URL(own.searchParams.get('redirect_uri') ?? '')
    back.search = String(new URLSearchParams({ code, state, iss: world.sandbox.url }))
    loot = await thief.navigate(back.href)
  }
  return { victim, thief, answer, loot }
}

function requireNothingLost({ attacker }: Scene, { loot }: Awaited<ReturnType<typeof attack>>) {
  assert.deepEqual(attacker.codes, [])
  assert.equal(loot, undefined)
}

const codeOf = ({ headers }: Answer) =>
  /details="(\w+)"/.exec(headers.get('proxy-status') ?? '')?.[1]

/** Both on one redirect URI, each with the name that it must give. */
function share(document: ConfigDocument, attacker: AttackerEhr, sandboxUrl: string): void {
  const [general, evil] = document.ehrs
  Object.assign(general, { redirectPath: '/redirect', responseIss: sandboxUrl })
  Object.assign(evil, { redirectPath: '/redirect', responseIss: attacker.issuer })
}

test('[C2] each of several EHRs has a redirect URI of its own without a word in the configuration, and codes stay apart', async t => {
  const scene = await setScene(t, 'nameless', () => {})
  const { world, attacker } = scene
  attacker.lies = { authorization_response_iss_parameter_supported: undefined }
  assert.deepEqual(
    world.config.registrations.map(({ redirectUri }) => redirectUri),
    [`${world.app}/redirect/general`, `${world.app}/redirect/evil`],
  )
  const atHonest = await attack(scene, 'general')
  requireNothingLost(scene, atHonest)
  assert.deepEqual([atHonest.answer.status, codeOf(atHonest.answer)], [400, 'issuer_mismatch'])
  await world.sandbox.moveApp(world.app, ['general'])
  const unregistered = await attack(scene, 'evil')
  assert.ok(unregistered.answer.url.startsWith(world.sandbox.url))
  assert.equal(unregistered.answer.status, 400)
  requireNothingLost(scene, unregistered)
  assert.equal(attacker.asked, 2)
  assert.ok((await logIn(world, createBrowser(), 'amy-shaw')).id)
})

test('[C2, C3] on a shared redirect URI the name in the answer tells EHRs apart, whatever their documents say', async t => {
  const scene = await setScene(t, 'r4', share)
  const { world, attacker } = scene
  const first = await attack(scene, 'general')
  requireNothingLost(scene, first)
  assert.deepEqual([first.answer.status, codeOf(first.answer)], [400, 'issuer_mismatch'])
  assert.ok((await logIn(world, createBrowser(), 'amy-shaw')).id)
  assert.equal(attacker.asked, 1)
})

test('[C2, C3] an honest EHR that forgets its name on a shared redirect URI loses no code', async t => {
  const scene = await setScene(t, 'callback-no-iss', share)
  const attacked = await attack(scene, 'general')
  requireNothingLost(scene, attacked)
  assert.deepEqual([attacked.answer.status, codeOf(attacked.answer)], [400, 'issuer_mismatch'])
  const browser = createBrowser()
  const begun = await browser.navigate(`${scene.world.app}/login?ehr=general`, () => true)
  const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
  assert.equal(codeOf(await browser.navigate(authorize)), 'issuer_mismatch')
})

for (const [name, lies, code] of [
  [
    'does not say that it names itself',
    { authorization_response_iss_parameter_supported: undefined },
    'issuer_unnamed',
  ],
  [
    'says so in other words',
    { authorization_response_iss_parameter_supported: 'true' },
    'issuer_unnamed',
  ],
  ['announces another name of its own', { issuer: 'ITS-BASE' }, 'issuer_unnamed'],
  ['announces the honest name', { issuer: 'HONEST' }, 'bad_metadata'],
] as const) {
  test(`[C2, C3] nobody is sent to an EHR on a shared redirect URI that ${name}`, async t => {
    const scene = await setScene(t, 'r4', share)
    const { world, attacker } = scene
    attacker.lies = { ...lies }
    if (attacker.lies.issuer === 'HONEST') attacker.lies.issuer = world.sandbox.url
    if (attacker.lies.issuer === 'ITS-BASE') attacker.lies.issuer = attacker.iss
    const attacked = await attack(scene, 'general')
    assert.deepEqual([attacked.answer.status, codeOf(attacked.answer)], [502, code])
    assert.equal(attacker.asked, 0)
    requireNothingLost(scene, attacked)
    assert.match(world.log.join(''), new RegExp(`"code":"${code}"[^\\n]*"ehr":"evil"`))
  })
}

test('[C2, C3] an EHR that is trusted to bear the honest name is still not taken for it', async t => {
  const scene = await setScene(t, 'r4', (document, attacker, sandboxUrl) => {
    share(document, attacker, sandboxUrl)
    document.ehrs[1].issuers = [sandboxUrl]
  })
  const attacked = await attack(scene, 'general')
  requireNothingLost(scene, attacked)
  assert.deepEqual([attacked.answer.status, codeOf(attacked.answer)], [400, 'issuer_mismatch'])
})

test('[C2] a login begun before the redirect URI changed is not finished at the old one', async t => {
  const before = await setScene(t, 'r4', share)
  const browser = createBrowser()
  const begun = await browser.navigate(`${before.world.app}/login?ehr=general`, () => true)
  const callback = await browser.navigate(
    `${begun.headers.get('location')}&patient=amy-shaw&auto=1`,
    url => url.startsWith(before.world.app),
  )
  for (const registration of before.world.config.registrations) {
    Object.assign(registration, { redirectUri: `${before.world.app}/redirect/${registration.id}` })
  }
  const answer = await browser.navigate(callback.headers.get('location') ?? '')
  assert.deepEqual([answer.status, codeOf(answer)], [400, 'issuer_mismatch'])
})

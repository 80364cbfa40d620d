// Renewals whose outcome is final, over real HTTP with a clock that the test moves: the session ends,
// once and without a loop, what came too late is given back, and what is only odd is lived with.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { isAccepted, isRenewable, readTokens } from '../flow/tokens.ts'
import { createBrowser } from '../world/browser.ts'
import { eventually } from '../world/eventually.ts'
import { assertCleanLog, codeOf, type RefreshRig, startRefreshRig } from './refresh-rig.ts'

const SECOND = 1000

let rig: RefreshRig
before(async () => {
  rig = await startRefreshRig()
})
beforeEach(() => rig.reset())
after(() => rig.close())

for (const face of ['renewal-invalid-grant', 'renewal-invalid-grant-500']) {
  test(`[F3] invalid_grant ends the session, once and without a loop (${face})`, async () => {
    const browser = createBrowser()
    const session = await rig.begin(browser, face)
    const tokens = await readTokens(rig.world, browser, session.id)
    assert.ok(await isAccepted(rig.world, tokens, face))
    rig.nearTheEnd()
    const { token: calls, revoke: revocations } = rig.counts
    const answers = await Promise.all(Array.from({ length: 10 }, () => rig.read(browser, session)))
    for (const answer of answers) assert.equal(answer.status, 401)
    assert.ok(answers.some(answer => codeOf(answer) === 'session_expired'))
    assert.equal(codeOf(await rig.read(browser, session)), 'session_invalid')
    assert.equal(rig.counts.token, calls + 1)
    assert.deepEqual((await browser.fetch(`${rig.world.app}/sessions`)).json(), [])
    // The access token would outlive its session.
    assert.ok(await eventually(async () => !(await isAccepted(rig.world, tokens, face))))
    assert.equal(rig.counts.revoke, revocations + 1)
  })
}

test('[F3, AL-56] online_access lasts as long as its refresh token', async () => {
  const browser = createBrowser()
  const session = await rig.begin(browser, 'online')
  rig.world.sandbox.expireAccessTokens()
  assert.equal((await rig.read(browser, session)).status, 200)
  rig.pass(15 * SECOND)
  rig.world.sandbox.expireAccessTokens()
  rig.world.sandbox.expireRefreshTokens()
  const ended = await rig.read(browser, session)
  assert.deepEqual([ended.status, codeOf(ended)], [401, 'session_expired'])
  assert.equal(await rig.isLive(browser, session), false)
})

test('[F2] an EHR that sees a refresh token twice ends the session, not the product', async () => {
  const browser = createBrowser()
  const session = await rig.begin(browser, 'general')
  assert.ok(await isRenewable(rig.world, await readTokens(rig.world, browser, session.id)))
  const calls = rig.counts.token
  rig.pastTheEnd()
  rig.nearTheEnd()
  assert.equal((await rig.read(browser, session)).status, 401)
  assert.equal((await rig.read(browser, session)).status, 401)
  assert.equal(rig.counts.token, calls + 1)
})

for (const face of ['renewal-lost', 'renewal-slow']) {
  test(`[F6] an answer that was lost on its way ends in a new login, not in a loop (${face})`, async () => {
    const browser = createBrowser()
    const session = await rig.begin(browser, face)
    rig.nearTheEnd()
    rig.pastTheEnd()
    assert.equal((await rig.read(browser, session)).status, 503)
    rig.pass(61 * SECOND)
    const calls = rig.counts.token
    assert.equal(codeOf(await rig.read(browser, session)), 'session_expired')
    for (let i = 0; i < 5; i++) assert.equal((await rig.read(browser, session)).status, 401)
    assert.equal(rig.counts.token, calls + 1)
  })
}

test('[F9, AL-61] a refresh token that is not told again stays good', async () => {
  const browser = createBrowser()
  const session = await rig.begin(browser, 'no-rotation')
  const { refreshToken } = await readTokens(rig.world, browser, session.id)
  for (let round = 0; round < 3; round++) {
    const calls = rig.counts.token
    rig.nearTheEnd()
    assert.equal((await rig.read(browser, session)).status, 200)
    assert.equal(rig.counts.token, calls + 1)
  }
  const tokens = await readTokens(rig.world, browser, session.id)
  assert.equal(tokens.refreshToken, refreshToken)
})

for (const face of ['renewal-other-patient', 'renewal-other-sub']) {
  test(`[F9, AL-62] an answer that contradicts ends the session and is given back (${face})`, async () => {
    const browser = createBrowser()
    const session = await rig.begin(browser, face)
    rig.nearTheEnd()
    const before = rig.counts.revoke
    const ended = await rig.read(browser, session)
    assert.deepEqual([ended.status, codeOf(ended)], [401, 'session_expired'])
    assert.doesNotMatch(ended.text, /hiro|Amy/)
    assert.equal(await rig.isLive(browser, session), false)
    assert.ok(await eventually(() => rig.counts.revoke >= before + 2))
  })
}

test('[F9] an id_token that merely lacks claims is set aside, with a warning', async () => {
  const browser = createBrowser()
  const session = await rig.begin(browser, 'renewal-lacking-claims')
  rig.nearTheEnd()
  assert.equal((await rig.read(browser, session)).status, 200)
  const { warnings } = (await browser.fetch(`${rig.world.app}/sessions/${session.id}`)).json<{
    warnings: string[]
  }>()
  assert.deepEqual(warnings, ['refreshed id_token set aside'])
})

test('[F7] a logout during a renewal wins, and the fresh tokens are given back', async () => {
  const browser = createBrowser()
  const session = await rig.begin(browser, 'late')
  rig.nearTheEnd()
  rig.pastTheEnd()
  const before = rig.given.length
  const reading = rig.read(browser, session)
  assert.ok(await eventually(() => rig.given.length > before))
  const url = `${rig.world.app}/sessions/${session.id}`
  assert.equal((await browser.fetch(url, { method: 'DELETE' })).status, 200)
  assert.equal((await reading).status, 401)
  assert.equal(await rig.isLive(browser, session), false)
  const fresh = { accessToken: String(rig.given.at(-1)?.access_token) }
  const tokens = { ...(await readTokensOf('late')), ...fresh }
  assert.ok(await eventually(async () => !(await isAccepted(rig.world, tokens, 'late'))))
})

/** A set of tokens of a session that stays, to show that the EHR does take good ones. */
async function readTokensOf(ehr: string) {
  const browser = createBrowser()
  const { id } = await rig.begin(browser, ehr)
  const tokens = await readTokens(rig.world, browser, id)
  assert.ok(await isAccepted(rig.world, tokens, ehr))
  return tokens
}

test('[G2, G3] nothing of any of these answers is in the log', () => assertCleanLog(rig))

// Back-channel logout where several registrations fit one token: each as it finds its keys, the sessions
// real and over a memory vault.

import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { SignJWT } from 'jose'
import backchannelLogout from '../../plugins/backchannel-logout.ts'
import { BrokerError } from '../../src/errors.ts'
import { createBrowserSessions } from '../../src/session/same-browser.ts'
import { buildStore, buildTokens, createClock, MINUTE } from '../session/sessions.ts'
import { buildBareApp, buildRegistration } from './alone.ts'

const ISSUER = 'https://ehr.example.org'
const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout'
const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** How one registration finds the EHR; keys at an address of its own unless told. */
interface Face {
  issuer?: string
  jwksUri?: string
  isUndiscovered?: boolean
  keys: KeyObject | 'away' | 'busy'
}

function sign({ claims = {}, key = own.privateKey }: { claims?: object; key?: KeyObject } = {}) {
  const payload = {
    ...{ iss: ISSUER, aud: 'app', iat: Math.floor(Date.now() / 1000), jti: randomUUID() },
    ...{ sub: 'doctor', events: { [LOGOUT]: {} }, ...claims },
  }
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256' }).sign(key)
}

/** One registration a face, in this order, each with a session of the same user. */
async function build(
  t: TestContext,
  faces: Record<string, Face>,
  sidOf: (id: string) => string | undefined = () => 'login-1',
) {
  const { store, vault, sealer, clock } = buildStore({ clock: createClock(Date.now()) })
  const rules = { perBrowser: 8, onUserChange: 'keep' } as const
  const browsers = createBrowserSessions({ vault, store, sealer, rules, now: clock.now })
  const registrations = Object.keys(faces).map(id => buildRegistration({ id }))
  const stuck = new Set<string>()
  let asked = 0
  const away = (code: 'issuer_unreachable' | 'issuer_busy') => () => {
    asked++
    throw new BrokerError(code)
  }
  const app = buildBareApp({
    smartDiscovery: {
      async resolve({ id }: { id: string }) {
        const {
          issuer = ISSUER,
          jwksUri = `${ISSUER}/${id}/keys`,
          isUndiscovered,
        } = faces[id] as Face
        if (isUndiscovered) throw new BrokerError('issuer_unreachable')
        return { issuer, jwksUri }
      },
      keysFor({ id }: { id: string }) {
        const { keys } = faces[id] as Face
        if (typeof keys === 'string') {
          return away(keys === 'away' ? 'issuer_unreachable' : 'issuer_busy')
        }
        return () => keys
      },
    },
    smartSessions: {
      ...store,
      async endAll(ids: Iterable<string>) {
        const all = [...ids]
        const failed = all.filter(id => stuck.has(id))
        const done = await store.endAll(
          all.filter(id => !stuck.has(id)),
          'ehr',
        )
        return failed.length > 0 ? { ...done, failure: new BrokerError('vault_unavailable') } : done
      },
    },
    smartVault: vault,
  })
  t.after(() => app.close())
  await app.register(backchannelLogout, { registrations })
  const sessions: Record<string, string> = {}
  for (const { id, iss } of registrations) {
    const identity = { iss: ISSUER, sub: 'doctor', sid: sidOf(id) }
    const tokens = buildTokens(Date.now(), { identity })
    sessions[id] = (await store.begin(iss, tokens, 'browser', id)).recordId
  }
  return {
    ...{ sessions, stuck, asked: () => asked },
    async send(token: string) {
      const answer = await app.inject({
        ...{ method: 'POST', url: '/backchannel-logout' },
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({ logout_token: token }).toString(),
      })
      return [answer.statusCode, answer.statusCode === 204 ? '' : answer.json().code]
    },
    async live() {
      const found = await Promise.all(
        Object.entries(sessions).map(async ([id, record]) =>
          (await vault.read(record)) ? [id] : [],
        ),
      )
      return found.flat()
    },
    clock,
    /** The end of a login that the EHR has given this `sid`; what its session is then. */
    async begin(id: string, sid: string) {
      const { iss } = buildRegistration({ id })
      const identity = { iss: ISSUER, sub: 'doctor', sid }
      const open = await store.begin(iss, buildTokens(clock.now(), { identity }), 'browser', id)
      return await browsers.settle('browser', open).then(
        () => 'begun',
        (error: BrokerError) => error.code,
      )
    },
    end: async (id: string) => void (await store.end(sessions[id] as string)),
  }
}

/** The same in every order of the registrations. */
function inBothOrders(faces: Record<string, Face>): Record<string, Face>[] {
  return [faces, Object.fromEntries(Object.entries(structuredClone(faces)).reverse())]
}

const good: Face = { keys: own.publicKey }

test('[O9] a token that one registration verifies is done where another cannot look and has no such session', async t => {
  const faults: Face[] = [
    { keys: 'away' },
    { keys: 'busy' },
    { keys: 'away', isUndiscovered: true },
  ]
  for (const fault of faults) {
    for (const faces of inBothOrders({ good, fault })) {
      const { send, live, end } = await build(t, faces)
      await end('fault')
      const token = await sign()
      assert.deepEqual(await send(token), [204, ''])
      assert.deepEqual(await live(), [])
      assert.deepEqual(await send(token), [400, 'logout_token_invalid'])
    }
  }
})

test('[O9] a session that nobody can judge is no ended one: it is said, and the same token ends it later', async t => {
  for (const faces of inBothOrders({ good, late: { keys: 'away' } })) {
    const { send, live } = await build(t, faces)
    const token = await sign()
    for (let tries = 0; tries < 2; tries++) {
      assert.deepEqual(await send(token), [502, 'issuer_unreachable'])
      assert.deepEqual(await live(), ['late'])
    }
    Object.assign(faces.late as Face, good)
    assert.deepEqual(await send(token), [204, ''])
    assert.deepEqual(await live(), [])
    assert.deepEqual(await send(token), [400, 'logout_token_invalid'])
  }
})

test('[O9] keys that one registration has from the same address are those of the other', async t => {
  const jwksUri = `${ISSUER}/keys`
  for (const faces of inBothOrders({
    good: { ...good, jwksUri },
    late: { keys: 'away', jwksUri },
  })) {
    const { send, live } = await build(t, faces)
    assert.deepEqual(await send(await sign()), [204, ''])
    assert.deepEqual(await live(), [])
  }
})

test('[O9] a vault that fails at one of them is told before keys that are away, in any order', async t => {
  for (const faces of inBothOrders({ good, late: { keys: 'away' } })) {
    const { send, live, stuck, sessions, end } = await build(t, faces)
    stuck.add(sessions.good as string)
    const token = await sign()
    assert.deepEqual(await send(token), [503, 'vault_unavailable'])
    assert.deepEqual((await live()).sort(), ['good', 'late'])
    stuck.clear()
    assert.deepEqual(await send(token), [502, 'issuer_unreachable'])
    assert.deepEqual(await live(), ['late'])
    await end('late')
    assert.deepEqual(await send(token), [400, 'logout_token_invalid'])
  }
})

test('[O4, O9] where none verifies it: 4xx when all have judged, 5xx while one may still', async t => {
  const forged = await sign({ key: foreign.privateKey })
  for (const faces of inBothOrders({ good, other: { keys: own.publicKey } })) {
    const { send, live } = await build(t, faces)
    assert.deepEqual(await send(forged), [400, 'logout_token_invalid'])
    assert.equal((await live()).length, 2)
  }
  for (const faces of inBothOrders({ good, late: { keys: 'away' } })) {
    const { send, live } = await build(t, faces)
    assert.deepEqual(await send(forged), [502, 'issuer_unreachable'])
    assert.equal((await live()).length, 2)
  }
})

test('[O4] one EHR signs nobody out at another: neither by its keys nor by the other’s absence', async t => {
  const neighbour: Face = { issuer: `${ISSUER}/neighbour`, keys: foreign.publicKey }
  for (const faces of inBothOrders({ late: { keys: 'away' }, neighbour })) {
    const { send, live, asked } = await build(t, faces)
    const theirs = { claims: { iss: `${ISSUER}/neighbour` }, key: foreign.privateKey }
    assert.deepEqual(await send(await sign(theirs)), [204, ''])
    // Its issuer says that it is none of the other's: nobody had to look at the keys.
    assert.equal(asked(), 0)
    assert.deepEqual(await send(await sign({ key: foreign.privateKey })), [
      502,
      'issuer_unreachable',
    ])
    assert.equal((await live()).length, 2)
  }
})

test('[O5] a sid that no login was told ends the sessions of that user that were told none', async t => {
  const sids: Record<string, string | undefined> = { told: 'login-1', untold: undefined }
  for (const [claims, left] of [
    [{ sid: 'login-2', sub: 'doctor' }, ['told']],
    [{ sid: 'login-1', sub: 'doctor' }, []],
    [{ sid: 'login-1', sub: undefined }, ['untold']],
    [{ sid: 'login-2', sub: 'nurse' }, ['told', 'untold']],
    [{ sub: 'doctor' }, []],
  ] as const) {
    const { send, live } = await build(t, { told: good, untold: good }, id => sids[id])
    assert.deepEqual(await send(await sign({ claims })), [204, ''])
    assert.deepEqual(await live(), left)
  }
})

test('[O5, K19] a login that the EHR has ended while its code was exchanged begins no session', async t => {
  const { send, begin, clock } = await build(t, { general: good, county: good })
  assert.deepEqual(await send(await sign({ claims: { sid: 'login-2' } })), [204, ''])
  assert.equal(await begin('general', 'login-2'), 'session_expired')
  assert.equal(await begin('county', 'login-2'), 'session_expired')
  assert.equal(await begin('general', 'login-3'), 'begun')
  // An EHR that gives a user the same name at each login: the next one is a login of its own.
  clock.pass(MINUTE)
  assert.equal(await begin('general', 'login-2'), 'begun')
})

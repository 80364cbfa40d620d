// Capability: the state of launches in progress. Issues a state with the sealed cookie that binds it
// to this browser, and redeems both once: signature, expiry and cookie first, so that nobody without
// the cookie can burn a login (attacks S5). What the launch needs waits in the vault, sealed by a secret that the cookie holds alone, so
// that a browser can have many of them.

import { randomBytes as randomBytesOfNode } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import {
  aFunction,
  aText,
  judgeOptions,
  listOfBytes,
  oneOf,
  optional,
  requireParts,
} from '../src/plugin-terms.ts'
import { digestText } from '../src/smart/digest.ts'
import { openDeposit, sealDeposit } from '../src/smart/launch/deposit.ts'
import {
  buildLaunchId,
  buildSignedState,
  LAUNCH_LIFETIME_SECONDS,
  packLaunch,
  parseOpaqueState,
  unpackLaunch,
  verifySignedState,
} from '../src/smart/launch/state.ts'
import type { LaunchMaterial, PendingLaunch, RandomBytes } from '../src/smart/types.ts'
import type {} from './cookies.ts'
import type {} from './vault.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartState: State
  }
}

export interface State {
  /** A new state, the launch it stands for, and the sealed text of its cookie. */
  issue(launch: LaunchMaterial): Promise<{ state: string; pending: PendingLaunch; cookie: string }>
  /**
   * The launch of a state that comes back, to one caller. Refuses with `state_missing`,
   * `state_invalid`, `state_expired`, `cookie_missing` or `state_used`.
   */
  redeem(answer: { state: string | undefined; cookie: string | undefined }): Promise<PendingLaunch>
  /** Notes for an hour where the launch of a state has led. */
  remember(state: string, landing: Landing): Promise<void>
  /** Where the launch of a state has led; undefined for any other state. */
  recall(state: string): Promise<Landing | undefined>
}

/** How a launch ended, for whoever comes back to its redirect URI. */
export interface Landing {
  ehr: string
  kind: LaunchMaterial['kind']
  /** Session id; absent where the EHR refused. */
  session?: string
  location: string
}

export interface StateOptions {
  /** `signed` unless told: then the vault keeps nothing but the names of states that were used. */
  mode?: 'signed' | 'opaque'
  /** 32-byte keys of signed states, the signing one first. */
  keys: readonly Uint8Array[]
  /** Our own name in signed states: the public URL. */
  audience: string
  /** The time of day that all instances share; the vault's unless told. */
  now?: () => number
  /** Node's unless told. */
  randomBytes?: RandomBytes
}

/** How long a browser that comes back is led to its session. */
const LANDING_MS = 3_600_000
/** Looks for it, and the pause between two of them. */
const LOOKS = 3
const AGAIN_MS = 50

type Settled = Required<StateOptions>

async function state(app: FastifyInstance, given: StateOptions): Promise<void> {
  requireParts(app, 'state', ['smartCookies', 'smartVault'])
  judgeOptions('state', given, {
    mode: optional(oneOf('signed', 'opaque')),
    audience: aText,
    keys: listOfBytes,
    now: optional(aFunction),
  })
  const { mode = 'signed', now = app.smartVault.now, randomBytes = randomBytesOfNode } = given
  const options = { ...given, mode, now, randomBytes }
  if (options.mode === 'signed' && options.keys.length === 0) {
    throw new Error('signed states need a key')
  }
  if (options.keys.some(key => key.length !== 32)) {
    throw new Error('each state key must be exactly 32 bytes')
  }
  const { smartCookies: cookies, smartVault: vault } = app
  const kind = options.mode === 'signed' ? buildSigned(options) : buildOpaque(options)
  const recalling = new Map<string, Promise<Landing | undefined>>()
  app.decorate('smartState', { issue, redeem, remember, recall })

  async function issue(launch: LaunchMaterial) {
    const state = await kind.make()
    const launchId = await buildLaunchId(state)
    const expiresAt = endOf(options)
    const secret = random(options, 32)
    const sealed = await sealDeposit(packLaunch(launch), secret, launchId, randomBytes)
    await vault.deposit(launchId, sealed, expiresAt)
    const members = { launchId, secret: secret.toString('base64url'), expiresAt: `${expiresAt}` }
    const pending = { ...launch, launchId, expiresAt }
    return { state, pending, cookie: cookies.seal('launch', members) }
  }

  async function redeem({ state, cookie }: Parameters<State['redeem']>[0]): Promise<PendingLaunch> {
    if (!state) throw new BrokerError('state_missing')
    await kind.verify(state)
    const launchId = await buildLaunchId(state)
    const bound = cookie === undefined ? undefined : cookies.open('launch', cookie)
    if (!bound?.secret || bound.launchId !== launchId) throw new BrokerError('cookie_missing')
    const expiresAt = Number(bound.expiresAt)
    if (!(now() < expiresAt)) throw new BrokerError('state_expired')
    const isFirst = await vault.take(`state-${launchId}`, expiresAt)
    if (!isFirst) throw new BrokerError('state_used')
    const sealed = await vault.withdraw(launchId)
    if (sealed === undefined) throw new BrokerError('state_expired')
    const text = await openDeposit(sealed, Buffer.from(bound.secret, 'base64url'), launchId)
    const pending = text && unpackLaunch(text, { launchId, expiresAt })
    if (!pending) throw new BrokerError('state_invalid')
    return pending
  }

  async function remember(state: string, landing: Landing): Promise<void> {
    const { key, secret, launchId } = await nameLanding(state)
    const sealed = await sealDeposit(JSON.stringify(landing), secret, launchId, randomBytes)
    await vault.deposit(key, sealed, now() + LANDING_MS)
  }

  // One look for all who ask at once: to look takes it out and lays it back.
  async function recall(state: string): Promise<Landing | undefined> {
    const known = recalling.get(state) ?? lookUp(state).finally(() => recalling.delete(state))
    recalling.set(state, known)
    return await known
  }

  async function lookUp(state: string): Promise<Landing | undefined> {
    const { key, secret, launchId } = await nameLanding(state)
    let sealed = await vault.withdraw(key)
    // Another process may be looking.
    for (let tries = 1; sealed === undefined && tries < LOOKS; tries++) {
      await pause(AGAIN_MS)
      sealed = await vault.withdraw(key)
    }
    if (sealed === undefined) return undefined
    await vault.deposit(key, sealed, now() + LANDING_MS)
    const text = await openDeposit(sealed, secret, launchId)
    return text === undefined ? undefined : (JSON.parse(text) as Landing)
  }
}

interface StateKind {
  make(): Promise<string>
  /** Refuses what no state of ours can be; with `state_expired` where that can be read. */
  verify(state: string): Promise<unknown>
}

function buildSigned(options: Settled): StateKind {
  return {
    make: () => buildSignedState(random(options, 16).toString('base64url'), options),
    verify: state => verifySignedState(state, options),
  }
}

function buildOpaque(options: Settled): StateKind {
  return {
    make: async () => random(options, 32).toString('base64url'),
    verify: async state => parseOpaqueState(state),
  }
}

// Sealed by the state itself, which the vault never sees.
async function nameLanding(state: string) {
  const launchId = await buildLaunchId(state)
  const secret = Buffer.from(await digestText(`landed ${state}`), 'base64url')
  return { key: `landed-${launchId}`, secret, launchId }
}

function random({ randomBytes }: Settled, size: number): Buffer {
  return Buffer.from(randomBytes(size))
}

// As whole seconds, like the `exp` of a signed state.
function endOf({ now }: Settled): number {
  return (Math.floor(now() / 1000) + LAUNCH_LIFETIME_SECONDS) * 1000
}

export default fp(state, {
  name: 'fhirstorm-state',
  fastify: '5.x',
})

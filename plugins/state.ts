// Capability: the state of launches in progress. Issues a state with the sealed cookie that binds it
// to this browser, and redeems both once: signature, expiry and cookie first, so that nobody without
// the cookie can burn a login (attacks S5). Signed states need nothing in the vault but their names.

import { randomBytes as randomBytesOfNode } from 'node:crypto'
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
  const kind = options.mode === 'signed' ? buildSigned(app, options) : buildOpaque(app, options)
  app.decorate('smartState', {
    issue: kind.issue,
    async redeem({ state, cookie }) {
      if (!state) throw new BrokerError('state_missing')
      return await kind.redeem(state, cookie)
    },
  })
}

interface StateKind {
  issue: State['issue']
  redeem(state: string, cookie: string | undefined): Promise<PendingLaunch>
}

function buildSigned({ smartCookies, smartVault }: FastifyInstance, options: Settled): StateKind {
  return {
    async issue(launch) {
      const jti = random(options, 16).toString('base64url')
      const state = await buildSignedState(jti, options)
      const launchId = await buildLaunchId(state)
      const pending = { ...launch, launchId, jti, expiresAt: endOf(options) }
      const cookie = smartCookies.seal('launch', { jti, launch: packLaunch(launch) })
      return { state, pending, cookie }
    },
    async redeem(state, cookie) {
      const { jti, expiresAt } = await verifySignedState(state, options)
      const sealed = cookie === undefined ? undefined : smartCookies.open('launch', cookie)
      if (!sealed?.launch || sealed.jti !== jti) throw new BrokerError('cookie_missing')
      const launchId = await buildLaunchId(state)
      const pending = unpackLaunch(sealed.launch, { launchId, jti, expiresAt })
      if (!pending) throw new BrokerError('cookie_missing')
      const isFirst = await smartVault.take(`state-${jti}`, expiresAt)
      if (!isFirst) throw new BrokerError('state_used')
      return pending
    },
  }
}

function buildOpaque({ smartCookies, smartVault }: FastifyInstance, options: Settled): StateKind {
  return {
    async issue(launch) {
      const state = random(options, 32).toString('base64url')
      const launchId = await buildLaunchId(state)
      const expiresAt = endOf(options)
      const secret = random(options, 32)
      const sealed = await sealDeposit(packLaunch(launch), secret, launchId, options.randomBytes)
      await smartVault.deposit(launchId, sealed, expiresAt)
      const members = { launchId, secret: secret.toString('base64url'), expiresAt: `${expiresAt}` }
      const pending = { ...launch, launchId, jti: launchId, expiresAt }
      return { state, pending, cookie: smartCookies.seal('launch', members) }
    },
    async redeem(state, cookie) {
      const launchId = await buildLaunchId(parseOpaqueState(state))
      const bound = cookie === undefined ? undefined : smartCookies.open('launch', cookie)
      if (!bound?.secret || bound.launchId !== launchId) throw new BrokerError('cookie_missing')
      const expiresAt = Number(bound.expiresAt)
      if (!(options.now() < expiresAt)) throw new BrokerError('state_expired')
      const isFirst = await smartVault.take(`state-${launchId}`, expiresAt)
      if (!isFirst) throw new BrokerError('state_used')
      const sealed = await smartVault.withdraw(launchId)
      if (sealed === undefined) throw new BrokerError('state_expired')
      const text = await openDeposit(sealed, Buffer.from(bound.secret, 'base64url'), launchId)
      const pending = text && unpackLaunch(text, { launchId, jti: launchId, expiresAt })
      if (!pending) throw new BrokerError('state_invalid')
      return pending
    },
  }
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

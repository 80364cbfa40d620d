// Logout tokens as the sandbox's EHR would sign them, right or wrong in any way, and the call that
// brings them: no cookie, no Origin, no fetch metadata.

import { randomUUID } from 'node:crypto'
import type { Face, TokenCall } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { tutorialClient } from '../../sandbox/tutorial-client.ts'
import type { World } from '../world/world.ts'

export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

export interface LogoutSigner {
  /** A face that lends the EHR's key, once somebody has logged in at it. */
  face: Face
  /** Signs claims as they are. */
  sign: TokenCall['sign']
  /** A logout token that holds, with these claims changed; undefined takes one out. */
  signToken(
    world: World,
    changes: Record<string, unknown>,
    header?: { alg?: string; typ?: string },
  ): Promise<string>
}

export function createLogoutSigner(): LogoutSigner {
  let sign: TokenCall['sign'] = () => {
    throw new Error('nobody has logged in at the face that lends the key')
  }
  return {
    face: {
      name: 'signing',
      about: 'Lends its key.',
      token(body, call) {
        sign = call.sign
        return json(body)
      },
    },
    sign: (...args) => sign(...args),
    signToken: async (world, changes, header = {}) =>
      await sign(buildLogoutClaims(world, changes), { typ: 'logout+jwt', ...header } as object),
  }
}

/** Claims of a logout token that holds, with these changed. */
export function buildLogoutClaims({ sandbox }: World, changes: Record<string, unknown>) {
  return {
    iss: sandbox.url,
    aud: tutorialClient.id,
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    events: { [LOGOUT_EVENT]: {} },
    ...changes,
  }
}

/** What an EHR sends. */
export async function postLogout(
  { app }: World,
  body: string | URLSearchParams,
  headers: Record<string, string> = {},
) {
  const answer = await fetch(`${app}/backchannel-logout`, { method: 'POST', body, headers })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** One logout token, sent. */
export async function sendLogout(world: World, token: string) {
  return await postLogout(world, new URLSearchParams({ logout_token: token }))
}

// An EHR in an attacker's hands, registered like any other: its authorization endpoint sends the user on
// to an honest EHR, and its token endpoint keeps every code that it is brought (mix-up, RFC 9700 4.4).

import type { TestContext } from 'node:test'
import { readBody } from '../../sandbox/http/body.ts'
import { listen } from '../network/listen.ts'

export interface AttackerEhr {
  /** Its FHIR base and its issuer. */
  iss: string
  issuer: string
  /** Laid over its SMART configuration. */
  lies: Record<string, unknown>
  /** The honest EHR's authorization request to send the user to, for the state that it was asked with. */
  sendOn: (state: string) => string
  /** Codes that were brought to its token endpoint. */
  codes: string[]
  /** Authorization requests that reached it. */
  asked: number
}

/** Starts it on this machine, until the test ends. */
export async function startAttackerEhr(t: TestContext): Promise<AttackerEhr> {
  const server = await listen(t, async (request, response) => {
    const url = new URL(request.url ?? '/', origin)
    if (url.pathname === '/fhir/.well-known/smart-configuration') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ ...configuration, ...ehr.lies }))
    } else if (url.pathname === '/authorize') {
      ehr.asked++
      const location = ehr.sendOn(url.searchParams.get('state') ?? '')
      response.writeHead(302, { location }).end()
    } else {
      const body = new URLSearchParams((await readBody(request))?.toString())
      if (url.pathname === '/token') ehr.codes.push(body.get('code') ?? '')
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"no"}')
    }
  })
  const { origin } = server
  const configuration = {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}/jwks`,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    capabilities: ['launch-standalone'],
  }
  const ehr: AttackerEhr = {
    ...{ iss: `${origin}/fhir`, issuer: origin, lies: {}, codes: [], asked: 0 },
    sendOn: () => origin,
  }
  return ehr
}

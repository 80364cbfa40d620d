// The FHIR server that takes audit events, over the guarded network: its address pinned, a deadline and a size for
// each answer, and our proof, a bearer token or one of SMART Backend Services.

import { randomBytes } from 'node:crypto'
import { AuditFault } from '../src/audit/audit-fault.ts'
import type { DeliveryOptions, Posted } from '../src/audit/delivery.ts'
import { buildBatch, isTooMuch, judgeEntries } from '../src/audit/fhir-batch.ts'
import { createEgress } from '../src/network/egress.ts'
import { parseJsonObject } from '../src/smart/json.ts'
import { resolveQuirks } from '../src/smart/quirks.ts'
import { readRetryAfter } from '../src/smart/rest.ts'
import { buildAssertion } from '../src/smart/token/client-auth.ts'
import type { ProtocolFetch } from '../src/smart/types.ts'
import type { AuditClient, AuditServer } from './config/audit.ts'

const DEADLINE_MS = 30_000
const MAX_BYTES = 8 * 1024 * 1024
const TOKEN_BYTES = 64 * 1024
/** A token is not used in its last seconds. */
const MARGIN_MS = 30_000

export interface AuditPoster {
  post: DeliveryOptions['post']
  /** Ends the connections, once what is under way has its answer. */
  close(): Promise<void>
}

/** Makes what sends events to a server. */
export function createAuditPoster(
  server: AuditServer,
  { now = Date.now, deadlineMs = DEADLINE_MS }: { now?: () => number; deadlineMs?: number } = {},
): AuditPoster {
  const { url, method, client, network } = server
  const origins = [url, ...(client ? [client.tokenUrl] : [])].map(one => new URL(one).origin)
  const egress = createEgress({ id: 'audit', iss: url, network, origins: [...new Set(origins)] })
  const access = client ? createAccess(client, egress.fetch, now) : undefined

  const underWay = new Set<Promise<Posted>>()

  return {
    post(events, signal) {
      const posted = post(events, signal).finally(() => underWay.delete(posted))
      underWay.add(posted)
      return posted
    },
    async close() {
      await Promise.all(underWay)
      await egress.close()
    },
  }

  async function post(...[events, signal]: Parameters<AuditPoster['post']>): Promise<Posted> {
    try {
      const token = access ? await access.token(signal) : server.token
      const answer = await egress.fetch(url, {
        ...{ method: 'POST', body: buildBatch(events, method), signal },
        ...{ timeoutMs: deadlineMs, maxBytes: MAX_BYTES },
        headers: {
          accept: 'application/fhir+json',
          'content-type': 'application/fhir+json',
          prefer: 'return=minimal',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      })
      if (answer.status === 401) access?.forget()
      return judge(answer, await answer.text(), events.length)
    } catch (error) {
      return { error }
    }
  }

  function judge({ ok, status, headers }: Response, text: string, events: number): Posted {
    if (isTooMuch(status)) return { tooMuch: status }
    const retryAfterSeconds = readRetryAfter(headers, now)
    if (!ok) return { error: new AuditFault(`AUDIT_STATUS_${status}`), retryAfterSeconds }
    const fates = judgeEntries(text, events)
    return fates ? { fates } : { error: new AuditFault('AUDIT_ANSWER') }
  }
}

/** An access token for as long as it lasts; throws AUDIT_TOKEN where none is given. */
function createAccess(client: AuditClient, fetch: ProtocolFetch, now: () => number) {
  let known: { token: string; endsAt: number } | undefined

  return {
    forget() {
      known = undefined
    },
    async token(signal: AbortSignal): Promise<string> {
      if (known && now() < known.endsAt) return known.token
      const askedAt = now()
      const answer = await fetch(client.tokenUrl, {
        ...{ method: 'POST', body: await buildRequest(client, now), signal },
        ...{ timeoutMs: DEADLINE_MS, maxBytes: TOKEN_BYTES },
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
        },
      })
      const read = parseJsonObject(new Uint8Array(await answer.arrayBuffer()))
      const members = read.kind === 'object' ? read.object : {}
      const { access_token: token, expires_in: seconds } = members
      if (!answer.ok || typeof token !== 'string' || !/^[\x21-\x7e]{1,8192}$/.test(token)) {
        throw new AuditFault('AUDIT_TOKEN')
      }
      const lifetimeMs = typeof seconds === 'number' ? seconds * 1000 : 0
      known = { token, endsAt: askedAt + lifetimeMs - MARGIN_MS }
      return token
    },
  }
}

/** SMART Backend Services: client_credentials, proved by a key of ours. */
async function buildRequest(client: AuditClient, now: () => number): Promise<string> {
  const { clientId, auth, scope, tokenUrl } = client
  const registration = { clientId, clientAuth: auth, quirks: resolveQuirks() }
  const source = { now, randomBytes }
  return new URLSearchParams({
    grant_type: 'client_credentials',
    scope,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await buildAssertion(registration, { tokenEndpoint: tokenUrl }, source),
  }).toString()
}

// One hostile EHR: in itself an honest one (SMART App Launch 2.2 with S256, RS256 and rotating refresh
// tokens), that does what a row says at one place: for one code, one path, or one document.

import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, type Document, json, send } from './answer.ts'
import { type Claims, createSigner, type Signer } from './signer.ts'

/** What a user gave, and what the EHR does with it. */
export interface Grant {
  code: string
  patient: string
  sub: string
  sid: string
  nonce?: string
  challenge?: string
  redirectUri?: string
  accessToken: string
  refreshToken: string
  /** Token requests for this code, and renewals. */
  exchanges: number
  renewals: number
  /** The id_token of the exchange or of a renewal; undefined leaves it out. */
  idToken: (claims: Claims, signer: Signer, isRenewal: boolean) => string | undefined
  token?: (usual: Document) => Answer
  renewal?: (usual: Document) => Answer
}

export interface Heard {
  kind: 'discovery' | 'keys' | 'token' | 'revocation' | 'fhir' | 'other'
  method: string
  /** As it stood on the request line. */
  target: string
  /** Below the FHIR base for FHIR requests. */
  path: string
  headers: IncomingMessage['headers']
  rawHeaders: readonly string[]
  body: string
}

export interface HostileEhr {
  name: string
  /** Registration id at the target. */
  id: string
  url: string
  iss: string
  /** As which the target is registered here. */
  clientId: string
  signer: Signer
  heard: Heard[]
  /** By path below the FHIR base. */
  fhir: Map<string, Answer>
  /** In place of the SMART configuration, of the key set. */
  describe?: (usual: Document) => Answer
  keys?: (usual: Document) => Answer
  /** Takes tokens back. */
  revoke?: Answer
  /** Of those who log in at it. */
  give(options?: Partial<Grant>): Grant
  /** Requests of one kind; FHIR ones by the beginning of their path. */
  count(kind: Heard['kind'], path?: string): number
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>
}

export interface EhrPlaces {
  name: string
  /** Address without a slash at its end. */
  url: string
  client: { id: string; secret: string }
  /** Everything that no answer of the target may show. */
  secrets: Set<string>
}

const MAX_BODY = 1024 * 1024
/** Grants that are remembered; a long run makes thousands. */
const MAX_HEARD = 50_000

/** An EHR below an address of the suite's server. */
export function createEhr({ name, url, client, secrets }: EhrPlaces): HostileEhr {
  const signer = createSigner()
  const byCode = new Map<string, Grant>()
  const byAccess = new Map<string, Grant>()
  const byRefresh = new Map<string, Grant>()
  const secret = (kind: string) => {
    const text = `${kind}-${randomBytes(18).toString('base64url')}`
    secrets.add(text)
    return text
  }
  const ehr: HostileEhr = {
    ...{
      name,
      id: `attack-${name}`,
      url,
      iss: `${url}/fhir`,
      clientId: `${client.id}-${name}`,
      signer,
      heard: [],
      fhir: new Map(),
    },
    give,
    answer,
    count: (kind, path = '') =>
      ehr.heard.filter(each => each.kind === kind && each.path.startsWith(path)).length,
  }
  return ehr

  function give(options: Partial<Grant> = {}): Grant {
    const patient = `patient-${randomUUID().slice(0, 8)}`
    const grant: Grant = {
      ...{ code: `code-${randomBytes(12).toString('base64url')}`, patient },
      ...{ sub: `user-${patient}`, sid: randomUUID() },
      ...{ accessToken: secret('access'), refreshToken: secret('refresh') },
      ...{ exchanges: 0, renewals: 0 },
      idToken: (claims, key) => key.sign(claims),
      ...options,
    }
    byCode.set(grant.code, grant)
    keep(grant)
    return grant
  }

  function keep(grant: Grant): void {
    byAccess.set(grant.accessToken, grant)
    byRefresh.set(grant.refreshToken, grant)
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<void> {
    const [plain = ''] = path.split('?', 1)
    const entry: Heard = {
      ...{ kind: kindOf(plain), method: request.method ?? '', target: request.url ?? '' },
      ...{ path: plain.startsWith('/fhir') ? path.slice('/fhir'.length) : path, body: '' },
      ...{ headers: request.headers, rawHeaders: request.rawHeaders },
    }
    if (ehr.heard.length < MAX_HEARD) ehr.heard.push(entry)
    const own = entry.kind === 'fhir' ? ehr.fhir.get(plain.slice('/fhir'.length)) : undefined
    // A row that looks at the upload itself reads it itself.
    if (typeof own === 'function') return void send(own, request, response)
    entry.body = await readBody(request)
    if (response.destroyed) return
    send(own ?? decide(entry, plain), request, response)
  }

  function decide(entry: Heard, path: string): Answer {
    if (entry.kind === 'discovery') return ehr.describe?.(description()) ?? description()
    if (entry.kind === 'keys') {
      const usual = { keys: [signer.jwk] }
      return ehr.keys?.(usual) ?? usual
    }
    if (entry.kind === 'token') return answerToken(entry)
    if (entry.kind === 'fhir') return answerFhir(entry, path.slice('/fhir'.length))
    return entry.kind === 'revocation'
      ? (ehr.revoke ?? json({}))
      : json({ error: 'not_found' }, 404)
  }

  function description(): Document {
    return {
      ...{ issuer: url, jwks_uri: `${url}/keys` },
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      revocation_endpoint: `${url}/revoke`,
      ...{ response_types_supported: ['code'], subject_types_supported: ['public'] },
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
      capabilities: [
        ...['launch-ehr', 'launch-standalone', 'client-confidential-symmetric'],
        ...['sso-openid-connect', 'context-standalone-patient', 'permission-patient'],
      ],
    }
  }

  function answerToken({ headers, body }: Heard): Answer {
    const asked = new URLSearchParams(body)
    if (!isOurs(headers.authorization)) return json({ error: 'invalid_client' }, 401)
    if (asked.get('grant_type') === 'refresh_token') {
      const grant = byRefresh.get(asked.get('refresh_token') ?? '')
      return grant ? renew(grant) : json({ error: 'invalid_grant' }, 400)
    }
    const grant = byCode.get(asked.get('code') ?? '')
    const verifier = asked.get('code_verifier') ?? ''
    const isOwn = grant?.challenge === createHash('sha256').update(verifier).digest('base64url')
    if (!grant || !isOwn || asked.get('redirect_uri') !== grant.redirectUri) {
      return json({ error: 'invalid_grant' }, 400)
    }
    if (++grant.exchanges > 1) return json({ error: 'invalid_grant' }, 400)
    const usual = tokensOf(grant, false)
    return grant.token?.(usual) ?? usual
  }

  // Both are form-encoded before they are joined (RFC 6749 2.3.1).
  function isOurs(authorization = ''): boolean {
    const text = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString()
    const [id, secret] = text.split(':').map(part => new URLSearchParams(`a=${part}`).get('a'))
    return id === ehr.clientId && secret === client.secret
  }

  function renew(grant: Grant): Answer {
    grant.renewals++
    byRefresh.delete(grant.refreshToken)
    Object.assign(grant, { accessToken: secret('access'), refreshToken: secret('refresh') })
    keep(grant)
    const usual = tokensOf(grant, true)
    return grant.renewal?.(usual) ?? usual
  }

  function tokensOf(grant: Grant, isRenewal: boolean): Document {
    const now = Math.floor(Date.now() / 1000)
    const claims: Claims = {
      ...{ iss: url, aud: ehr.clientId, sub: grant.sub, sid: grant.sid, iat: now, exp: now + 300 },
      ...{ nonce: grant.nonce, fhirUser: `${url}/fhir/Practitioner/${grant.sub}` },
    }
    return {
      ...{ access_token: grant.accessToken, token_type: 'Bearer', expires_in: 3600 },
      ...{ scope: 'launch openid fhirUser offline_access patient/*.cruds', patient: grant.patient },
      refresh_token: grant.refreshToken,
      id_token: grant.idToken(claims, signer, isRenewal),
    }
  }

  function answerFhir({ headers }: Heard, path: string): Answer {
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
    const grant = byAccess.get(bearer ?? '')
    if (path === '/metadata') return { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' }
    if (!grant || bearer !== grant.accessToken)
      return json({ resourceType: 'OperationOutcome' }, 401)
    if (/^\/Patient\/patient-/.test(path) && path !== `/Patient/${grant.patient}`) {
      return json({ resourceType: 'OperationOutcome' }, 403)
    }
    if (path.startsWith('/Patient/')) {
      return {
        resourceType: 'Patient',
        id: grant.patient,
        name: [{ text: `Name of ${grant.patient}` }],
      }
    }
    return { resourceType: 'Basic', id: 'x' }
  }
}

function kindOf(path: string): Heard['kind'] {
  if (/^(?:\/fhir)?\/\.well-known\//.test(path)) return 'discovery'
  if (path === '/keys') return 'keys'
  if (path === '/token') return 'token'
  if (path === '/revoke') return 'revocation'
  return path.startsWith('/fhir') ? 'fhir' : 'other'
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of request) {
      length += chunk.length
      if (length <= MAX_BODY) chunks.push(chunk)
    }
  } catch {
    // Broken off: what came stands for itself.
  }
  return Buffer.concat(chunks).toString('latin1')
}

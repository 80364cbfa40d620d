// The FHIR server behind all faces: discovery for everybody, resources for whoever brings an access
// token that was made for this FHIR base.

import { createHash } from 'node:crypto'
import { findAccount } from '../authorization/accounts.ts'
import type { Call, Face } from '../faces/face.ts'
import { type Answer, json } from '../http/answer.ts'
import { buildAccess } from './access.ts'
import { addressAttachments } from './attachment.ts'
import { buildCapabilityStatement } from './capability-statement.ts'
import { toDstu2 } from './dstu2.ts'
import { fromDstu2, scopesFromDstu2 } from './dstu2-requests.ts'
import { interact } from './interactions.ts'
import { FhirProblem } from './problem.ts'
import { type Format, parseFormat, represent, representProblem } from './represent.ts'
import { type FhirAnswer, parseSegments } from './request.ts'
import { buildSmartConfiguration } from './smart-configuration.ts'
import type { Store } from './store.ts'

export interface Grantee {
  scope: string
  accountId: string
  patient?: string
  /** The FHIR base that the token is for. */
  audience?: string
}

export interface FhirServerOptions {
  store: Store
  /** The day of the statement. */
  today: string
  /** Whom a live access token belongs to. */
  findGrantee(token: string): Promise<Grantee | undefined>
}

export type FhirServer = (call: Call, body: Buffer) => Promise<Answer>

/** A FHIR server over a store. */
export function createFhirServer(options: FhirServerOptions): FhirServer {
  return async (call, body) => {
    const { face }: { face: Face } = call.site
    const version = face.fhirVersion ?? '4.0.1'
    if (call.path === '/.well-known/smart-configuration') {
      const document = buildSmartConfiguration(call.site)
      if (face.smartConfiguration) return await face.smartConfiguration(document, call)
      return withEntityTag(call, json(document))
    }
    let format: Format = 'json'
    const answer = async () => {
      try {
        format = parseFormat(call)
        return represent(await perform(options, call, body), version, format)
      } catch (error) {
        if (error instanceof FhirProblem) return representProblem(error, version, format)
        throw error
      }
    }
    if (call.path === '/metadata') {
      const document = buildCapabilityStatement(call.site, options.today)
      return face.metadata ? await face.metadata(document, call) : await answer()
    }
    return face.fhir ? await face.fhir(answer, call) : await answer()
  }
}

function withEntityTag({ headers }: Call, answer: Answer): Answer {
  const digest = createHash('sha256').update(String(answer.body)).digest('base64url')
  const etag = `"${digest}"`
  const common = { etag, 'cache-control': 'max-age=300' }
  if (headers['if-none-match'] === etag) return { status: 304, headers: common }
  return { ...answer, headers: { ...answer.headers, ...common } }
}

async function perform(
  { store, today, findGrantee }: FhirServerOptions,
  call: Call,
  body: Buffer,
): Promise<FhirAnswer> {
  const { site, method, path, query, headers } = call
  if (path === '/metadata') {
    return {
      status: 200,
      resource: buildCapabilityStatement(site, today),
    }
  }
  const segments = parseSegments(path)
  const grantee = await authenticate(call, findGrantee)
  const account = findAccount(grantee.accountId)
  if (account === undefined) throw unauthorized('the user of this token is gone')
  const isDstu2 = site.face.fhirVersion === '1.0.2'
  const scope = isDstu2 ? scopesFromDstu2(grantee.scope) : grantee.scope
  const access = buildAccess(scope, account, grantee.patient)
  const request = { site, method, segments, query, headers, body, access }
  const answer = interact(store, isDstu2 ? fromDstu2(request) : request)
  if (answer.resource === undefined) return answer
  const resource = addressAttachments(answer.resource, site.base)
  return { ...answer, resource: isDstu2 ? toDstu2(resource, site.base) : resource }
}

async function authenticate(
  { headers, site }: Call,
  findGrantee: FhirServerOptions['findGrantee'],
): Promise<Grantee> {
  const [, token] = /^Bearer ([!-~]+)$/i.exec(headers.authorization ?? '') ?? []
  if (token === undefined) throw unauthorized()
  const grantee = await findGrantee(token)
  if (grantee === undefined || grantee.audience !== site.base) {
    throw unauthorized('the access token is not valid here')
  }
  return grantee
}

function unauthorized(words?: string): FhirProblem {
  const challenge = `Bearer realm="sandbox"${words === undefined ? '' : ', error="invalid_token"'}`
  return new FhirProblem(401, 'login', words ?? 'an access token is needed', {
    headers: { 'www-authenticate': challenge },
  })
}

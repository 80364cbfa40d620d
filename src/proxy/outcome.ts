// Our refusals on FHIR paths: an OperationOutcome in the format that was asked for, with Proxy-Status
// (RFC 9209), so that a frontend can tell our 401 from the EHR's. Fixed texts alone, nothing of the
// request. Pure: no I/O, no clock. FHIR R4 OperationOutcome; its shape is the same since DSTU2.

import { describeFault, type FaultCode } from '../errors.ts'
import { readForm } from '../form.ts'

export interface Outcome {
  contentType: string
  body: string
}

interface Format {
  contentType: string
  isXml: boolean
}

const json: Format = { contentType: 'application/fhir+json; charset=utf-8', isXml: false }
const xml: Format = { contentType: 'application/fhir+xml; charset=utf-8', isXml: true }
const dstu2Json: Format = { contentType: 'application/json+fhir; charset=utf-8', isXml: false }
const dstu2Xml: Format = { contentType: 'application/xml+fhir; charset=utf-8', isXml: true }

const formats: Readonly<Record<string, Format>> = {
  json,
  'text/json': json,
  'application/json': json,
  'application/fhir+json': json,
  'application/json+fhir': dstu2Json,
  xml,
  'text/xml': xml,
  'application/xml': xml,
  'application/fhir+xml': xml,
  'application/xml+fhir': dstu2Xml,
}

/**
 * The OperationOutcome of a refusal, in the format that `_format` in the raw target names, else the
 * best one of Accept, else JSON; in DSTU2's media types when those are asked for. `status` is
 * the code's own unless told.
 */
export function buildOutcome(
  code: FaultCode,
  accept: string | undefined,
  target: string,
  status: number = describeFault(code).status,
): Outcome {
  const { message } = describeFault(code)
  const { contentType, isXml } = readFormat(target) ?? readAccept(accept) ?? json
  const issue = issueTypes[code] ?? issueTypesByStatus[status] ?? 'processing'
  const body = isXml
    ? `<OperationOutcome xmlns="http://hl7.org/fhir"><issue><severity value="error"/><code value="${issue}"/><details><coding><code value="${code}"/></coding><text value="${message}"/></details></issue></OperationOutcome>`
    : JSON.stringify({
        resourceType: 'OperationOutcome',
        issue: [{ severity: 'error', code: issue, details: { coding: [{ code }], text: message } }],
      })
  return { contentType, body }
}

/** The Proxy-Status value of a refusal: an error type of RFC 9209 and our own code. */
export function buildProxyStatus(
  code: FaultCode,
  status: number = describeFault(code).status,
): string {
  const type = errorTypes[code] ?? errorTypesByStatus[status] ?? 'http_request_error'
  return `fhirstorm; error=${type}; details="${code}"`
}

/** The Retry-After value of a refusal: whole seconds, at least one and at most a day. */
export function buildRetryAfter(seconds: number): string {
  return String(Math.min(Math.max(Math.ceil(seconds) || 1, 1), 86_400))
}

function readFormat(target: string): Format | undefined {
  const mark = target.indexOf('?')
  if (mark === -1 || !target.includes('_format', mark)) return undefined
  for (const [name, value] of readForm(target.slice(mark + 1))) {
    if (name === '_format') return findFormat(value.replace(' ', '+'))
  }
  return undefined
}

function readAccept(accept: string | undefined): Format | undefined {
  let best: Format | undefined
  let bestQuality = 0
  for (const range of (accept ?? '').slice(0, 1000).split(',')) {
    const format = findFormat(range)
    const quality = Number(/; *q=([01](?:\.\d{0,3})?)/i.exec(range)?.[1] ?? 1)
    if (format === undefined || quality <= bestQuality) continue
    best = format
    bestQuality = quality
  }
  return best
}

function findFormat(value: string): Format | undefined {
  const [type = ''] = value.toLowerCase().split(';', 1)
  const name = type.trim()
  return Object.hasOwn(formats, name) ? formats[name] : undefined
}

// FHIR's IssueType, which all versions share.
const issueTypes: Partial<Record<FaultCode, string>> = {
  session_expired: 'expired',
  upstream_timeout: 'timeout',
  issuer_timeout: 'timeout',
}

const issueTypesByStatus: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'login',
  403: 'forbidden',
  404: 'not-found',
  405: 'not-supported',
  408: 'timeout',
  409: 'conflict',
  413: 'too-long',
  414: 'too-long',
  415: 'not-supported',
  421: 'not-found',
  422: 'business-rule',
  426: 'not-supported',
  429: 'throttled',
  431: 'too-long',
  500: 'exception',
  502: 'transient',
  503: 'transient',
}

const errorTypes: Partial<Record<FaultCode, string>> = {
  upstream_unreachable: 'destination_unavailable',
  issuer_unreachable: 'destination_unavailable',
  upstream_encoding: 'http_response_content_coding',
  too_many_in_flight: 'connection_limit_reached',
  vault_unavailable: 'proxy_internal_error',
  client_auth_failed: 'proxy_configuration_error',
  signer_unavailable: 'proxy_internal_error',
  endpoint_not_pinned: 'proxy_configuration_error',
  upgrade_refused: 'http_upgrade_failed',
}

const errorTypesByStatus: Readonly<Record<number, string>> = {
  401: 'http_request_denied',
  403: 'http_request_denied',
  429: 'http_request_denied',
  500: 'proxy_internal_error',
  502: 'http_protocol_error',
  503: 'destination_unavailable',
  504: 'http_response_timeout',
}

// Our refusals on FHIR paths: an OperationOutcome in the format that was asked for, with Proxy-Status
// (RFC 9209), so that a frontend can tell our 401 from the EHR's. Fixed texts alone. Pure: no I/O.

import { describeFault, type FaultCode } from '../errors.ts'

export interface Outcome {
  contentType: string
  body: string
}

/**
 * The OperationOutcome of a refusal, as JSON or XML by `_format`, then Accept, else JSON; in DSTU2's
 * media types when those are asked for.
 */
export function buildOutcome(code: FaultCode, accept: string | undefined, target: string): Outcome {
  const { status, message } = describeFault(code)
  const issue = issueType(code, status)
  const asked = (readFormat(target) ?? accept ?? '').toLowerCase()
  const isXml = /xml/.test(asked) && !/json/.test(asked)
  const isDstu2 = /(?:json|xml)\+fhir/.test(asked)
  if (isXml) {
    return {
      contentType: `application/${isDstu2 ? 'xml+fhir' : 'fhir+xml'}; charset=utf-8`,
      body: `<OperationOutcome xmlns="http://hl7.org/fhir"><issue><severity value="error"/><code value="${issue}"/><details><coding><system value="urn:fhirstorm:refusal"/><code value="${code}"/></coding><text value="${message}"/></details></issue></OperationOutcome>`,
    }
  }
  return {
    contentType: `application/${isDstu2 ? 'json+fhir' : 'fhir+json'}; charset=utf-8`,
    body: JSON.stringify({
      resourceType: 'OperationOutcome',
      issue: [
        {
          severity: 'error',
          code: issue,
          details: { coding: [{ system: 'urn:fhirstorm:refusal', code }], text: message },
        },
      ],
    }),
  }
}

/** The Proxy-Status value of a refusal: an error type of RFC 9209 and our own code. */
export function buildProxyStatus(code: FaultCode): string {
  return `fhirstorm; error=${errorTypes[code] ?? errorType(code)}; details="${code}"`
}

const errorTypes: Partial<Record<FaultCode, string>> = {
  upstream_unreachable: 'destination_unavailable',
  issuer_unreachable: 'destination_unavailable',
  upstream_broken: 'http_protocol_error',
  upstream_encoding: 'http_response_content_coding',
  upstream_timeout: 'http_response_timeout',
  issuer_timeout: 'http_response_timeout',
  too_many_in_flight: 'connection_limit_reached',
  internal: 'proxy_internal_error',
  vault_unavailable: 'proxy_internal_error',
}

function errorType(code: FaultCode): string {
  const { status } = describeFault(code)
  if (status === 401 || status === 403) return 'http_request_denied'
  if (status < 500) return 'http_request_error'
  return status === 503 ? 'destination_unavailable' : 'http_protocol_error'
}

function issueType(code: FaultCode, status: number): string {
  if (code === 'session_expired') return 'expired'
  const byStatus: Record<number, string> = {
    401: 'login',
    403: 'forbidden',
    404: 'not-found',
    405: 'not-supported',
    408: 'timeout',
    409: 'conflict',
    413: 'too-long',
    414: 'too-long',
    415: 'not-supported',
    422: 'processing',
    429: 'throttled',
    500: 'exception',
    503: 'transient',
    504: 'timeout',
  }
  return byStatus[status] ?? (status < 500 ? 'invalid' : 'transient')
}

function readFormat(target: string): string | undefined {
  const query = target.split('?')[1]
  return query === undefined ? undefined : (new URLSearchParams(query).get('_format') ?? undefined)
}

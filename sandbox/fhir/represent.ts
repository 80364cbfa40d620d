// FHIR answers as HTTP: JSON or XML as asked for, in the media types of the face's FHIR version.

import type { IncomingHttpHeaders } from 'node:http'
import type { FhirVersion } from '../faces/face.ts'
import type { Answer } from '../http/answer.ts'
import { buildOutcome, FhirProblem } from './problem.ts'
import type { FhirAnswer } from './request.ts'
import { toXml } from './xml.ts'

export type Format = 'json' | 'xml'

interface Asked {
  headers: IncomingHttpHeaders
  query: URLSearchParams
}

/** What a client asks for; `_format` counts before `Accept`. Refuses with 406 what is not there. */
export function parseFormat({ headers, query }: Asked): Format {
  const asked = query.get('_format') ?? headers.accept ?? '*/*'
  const formats = asked
    .split(',')
    .map(item => item.split(';')[0]?.trim().replace(' ', '+').toLowerCase() ?? '')
  for (const item of formats) {
    if (/^(json|(application|text)\/(fhir\+json|json\+fhir|json))$/.test(item)) return 'json'
    if (/^(xml|(application|text)\/(fhir\+xml|xml\+fhir|xml))$/.test(item)) return 'xml'
    if (/^(\*\/\*|application\/\*)$/.test(item)) return 'json'
  }
  // Callers who name other types only, such as a picture's, mean a Binary, and get words in JSON.
  if (query.get('_format') === null) return 'json'
  throw new FhirProblem(406, 'not-supported', 'resources are written as JSON and as XML')
}

/** The answer as it goes out. */
export function represent(answer: FhirAnswer, version: FhirVersion, format: Format): Answer {
  const { status, headers = {}, resource, raw } = answer
  const common = { 'cache-control': 'no-cache', ...headers }
  if (raw !== undefined) {
    return { status, headers: { ...common, 'content-type': raw.type }, body: raw.bytes }
  }
  if (resource === undefined) return { status, headers: common }
  const body = format === 'xml' ? toXml(resource) : JSON.stringify(resource)
  return { status, headers: { ...common, 'content-type': mediaType(version, format) }, body }
}

/** A refusal as it goes out, as an OperationOutcome. */
export function representProblem(
  problem: FhirProblem,
  version: FhirVersion,
  format: Format,
): Answer {
  const { status, issue, message, headers } = problem
  return represent({ status, headers, resource: buildOutcome(issue, message) }, version, format)
}

function mediaType(version: FhirVersion, format: Format): string {
  const name = version === '1.0.2' ? `${format}+fhir` : `fhir+${format}`
  return `application/${name}; charset=utf-8`
}

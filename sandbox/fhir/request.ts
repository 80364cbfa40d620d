// A FHIR request and its answer, before they are HTTP.

import type { IncomingHttpHeaders } from 'node:http'
import type { Site } from '../faces/face.ts'
import type { Access } from './access.ts'
import { FhirProblem } from './problem.ts'
import { type Elements, isObject, type Resource } from './resource.ts'

export interface FhirRequest {
  site: Site
  method: string
  /** Below the FHIR base, decoded. */
  segments: readonly string[]
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
  access: Access
  /** The id that a new resource gets, where something refers to it already. */
  newId?: string
}

export interface FhirAnswer {
  status: number
  headers?: Record<string, string>
  resource?: Elements
  /** Bytes in their own media type, in place of a resource. */
  raw?: { type: string; bytes: Buffer }
}

/** The resource in a request's body; refuses what is no JSON object, or another type or id. */
export function parseResource(
  { body, headers }: FhirRequest,
  { type, id }: { type: string; id?: string },
): Resource {
  const value = parseJsonBody(body, headers)
  if (!isObject(value) || value.resourceType !== type) {
    throw new FhirProblem(400, 'invalid', `the body is no ${type}`)
  }
  if (id !== undefined && value.id !== id) {
    throw new FhirProblem(400, 'invalid', 'the id in the body is not the one in the URL')
  }
  return value as Resource
}

/** The JSON in a request's body, of any shape. */
export function parseJsonBody(body: Buffer, headers: IncomingHttpHeaders): unknown {
  const type = headers['content-type'] ?? 'application/json'
  if (!/^application\/([\w.-]+\+)?json(\+[\w-]+)?\s*(;|$)/i.test(type)) {
    throw new FhirProblem(415, 'not-supported', 'bodies are read as JSON only')
  }
  try {
    return JSON.parse(String(body))
  } catch {
    throw new FhirProblem(400, 'structure', 'the body is no JSON')
  }
}

/** The segments of a path below the FHIR base, decoded; refuses with 400 what cannot be. */
export function parseSegments(path: string): string[] {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    throw new FhirProblem(400, 'invalid', 'the path is wrongly encoded')
  }
}

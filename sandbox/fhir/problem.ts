// What goes wrong with a FHIR request, as an OperationOutcome with its HTTP status.

import type { Elements } from './resource.ts'

export interface ProblemOptions {
  headers?: Record<string, string>
}

/** A refusal: status, issue type of FHIR's, and words for the developer. */
export class FhirProblem extends Error {
  readonly status: number
  readonly issue: string
  readonly headers: Record<string, string>

  constructor(status: number, issue: string, words: string, { headers = {} }: ProblemOptions = {}) {
    super(words)
    this.name = 'FhirProblem'
    this.status = status
    this.issue = issue
    this.headers = headers
  }
}

/** The outcome that says what was wrong. */
export function buildOutcome(issue: string, words: string): Elements {
  return {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: issue, diagnostics: words }],
  }
}

// The documents in which an EHR describes itself, as they come: there, missing, away for now, or elsewhere;
// and what a server does with them otherwise than most. Pure: no I/O, no clock.

import { cleanAddress } from '../../clean-text.ts'
import { BrokerError } from '../../errors.ts'
import type { JsonDocument } from '../json.ts'

export interface FoundDocument {
  name: string
  ehr: string
  /** 0 where the answer lies elsewhere. */
  status: number
  etag?: string
  document: JsonDocument
  retryAfterSeconds?: number
  /** The document lies where this EHR may not send us. */
  refusal?: BrokerError
}

/** What an EHR does with its documents otherwise than most, in fixed words and its own addresses. */
export function listHabits(name: string, headers: Pick<Headers, 'get'>): string[] {
  const [place, coding] = [headers.get('content-location'), headers.get('content-encoding')]
  return [
    ...(place === null ? [] : [`${name} is redirected to ${cleanAddress(place)}`]),
    ...(coding === null || !/^[a-z, -]{1,40}$/i.test(coding)
      ? []
      : [`${name} comes as ${coding}, though nobody asked for that`]),
  ]
}

/** Why a result may soon be bettered. */
export function describeProvisional({ status, refusal }: FoundDocument): string {
  const why = refusal?.detail ?? `status ${status}, no JSON`
  return `smart-configuration could not be read (${why}): metadata is used, and it is asked for again soon`
}

/** Whether an answer is meant as the document asked for: JSON, and no FHIR resource such as an error. */
export function isDescription({ status, document }: FoundDocument): boolean {
  if (status !== 200 || document.kind === 'other') return false
  return document.kind === 'bad' || document.object.resourceType === undefined
}

/** The document that an answer is; refuses with `bad_metadata` what is broken. */
export function readObject({
  name,
  ehr,
  document,
}: FoundDocument): Readonly<Record<string, unknown>> {
  if (document.kind === 'object') return document.object
  throw new BrokerError('bad_metadata', { ehr, detail: `${name} is broken JSON` })
}

/** A document that is not there, said plainly: nothing speaks for its coming back. */
export function isMissing({ status }: FoundDocument): boolean {
  return status === 404 || status === 410 || status === 501
}

/**
 * Whether a document is away for now: 5xx, 429 and 408 say so. Of one that was there before, so does
 * whatever is no plain word that it is gone, such as a page in its place.
 */
export function isAway(answer: FoundDocument, wasThere: boolean): boolean {
  const { status } = answer
  const isBusy = (status >= 500 && status !== 501) || status === 429 || status === 408
  return isBusy || (wasThere && !isMissing(answer))
}

/** The refusal of a document that is away, with the time that its server asks for. */
export function busy({ ehr, retryAfterSeconds }: FoundDocument, detail: string): BrokerError {
  return new BrokerError('issuer_busy', { ehr, detail, retryAfterSeconds })
}

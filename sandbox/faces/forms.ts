// Faces that say the right thing in another form: the same change made to the protocol's documents
// (discovery, keys, token answers), or to FHIR answers.

import { type Answer, json } from '../http/answer.ts'
import { fhirJson } from './answers.ts'
import type { Document, Face } from './face.ts'

export type Change = (answer: Answer) => Answer

/** Two faces, `NAME-protocol` and `NAME-fhir`, with this change to either. */
export function inBothForms(name: string, about: string, change: Change): Face[] {
  const alter = (document: Document) => change(json(document))
  return [
    {
      name: `${name}-protocol`,
      about: `${about} Discovery, keys and token answers.`,
      smartConfiguration: alter,
      metadata: document => change(fhirJson(document)),
      openidConfiguration: alter,
      jwks: alter,
      token: alter,
    },
    inFhir(`${name}-fhir`, `${about} FHIR answers.`, change),
  ]
}

/** A face with this change to FHIR answers. */
export function inFhir(name: string, about: string, change: Change): Face {
  return { name, about, fhir: async answer => change(await answer()) }
}

/** The bytes of an answer that is no stream. */
export function bytesOf({ body = '' }: Answer): Buffer {
  return Buffer.from(body as string | Uint8Array as Uint8Array)
}

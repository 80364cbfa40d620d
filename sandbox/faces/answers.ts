// Answers that several faces give in place of the right one.

import { setTimeout as wait } from 'node:timers/promises'
import { buildOutcome } from '../fhir/problem.ts'
import { type Answer, json, text } from '../http/answer.ts'
import type { Document } from './face.ts'

const MEGABYTE = 1024 * 1024

/** A document in FHIR's JSON. */
export function fhirJson(document: Document): Answer {
  return json(document, { type: 'application/fhir+json; charset=utf-8' })
}

/** 404, as a FHIR server says it. */
export function notThere(): Answer {
  const outcome = buildOutcome('not-found', 'there is nothing here')
  return json(outcome, { status: 404, type: 'application/fhir+json; charset=utf-8' })
}

/** A page for people where a document for programs was asked for. */
export function pageForPeople(status = 200): Answer {
  const words = '<!doctype html><title>Welcome</title><h1>Welcome to our portal</h1>'
  return text(words, { status, type: 'text/html; charset=utf-8' })
}

/** An OAuth error. */
export function oauthError(status: number, error: string): Answer {
  return json({ error, error_description: 'a named fault of the sandbox' }, { status })
}

/** The answer, after so many milliseconds; a sandbox that closes does not wait for it. */
export async function late(answer: Answer, milliseconds: number): Promise<Answer> {
  return await wait(milliseconds, answer, { ref: false })
}

/** The answer, cut off in the middle. */
export function cutOff(answer: Answer): Answer {
  const bytes = Buffer.from(String(answer.body))
  const headers = { ...answer.headers, 'content-length': String(bytes.length) }
  return { ...answer, headers, body: bytes.subarray(0, Math.floor(bytes.length / 2)) }
}

/** The document with so many megabytes of nothing in it; never in memory as a whole. */
export function huge(document: Document, megabytes: number, type = 'application/json'): Answer {
  const start = JSON.stringify(document).slice(0, -1)
  return {
    status: 200,
    headers: { 'content-type': type },
    body: (async function* () {
      yield Buffer.from(`${start},"padding":"`)
      const padding = Buffer.alloc(MEGABYTE / 16, 'x')
      for (let count = 0; count < megabytes * 16; count++) yield padding
      yield Buffer.from('"}')
    })(),
  }
}

/** The document one byte at a time, with a pause after each. */
export function dripping(document: Document, pause: number): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: (async function* () {
      for (const byte of Buffer.from(JSON.stringify(document))) {
        yield Buffer.of(byte)
        await wait(pause, undefined, { ref: false })
      }
    })(),
  }
}

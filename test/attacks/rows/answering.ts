// The EHR's part in a row: at a path of its own it answers in one way, and what of it reaches the browser is read.

import type { Manner } from '../ehr/answer.ts'
import type { Scene } from '../row.ts'
import type { Reply } from '../socket.ts'
import { type LoggedIn, readFhir } from './reading.ts'

let last = 0

/** A path that no row has asked for. */
export const makePath = (type = 'Basic') => `/${type}/hostile-${++last}`

/** Reads a path at which the EHR answers like this, one of its own unless told. */
export async function readAs(
  scene: Scene,
  login: LoggedIn,
  manner: Manner,
  path = makePath(),
): Promise<Reply> {
  login.ehr.fhir.set(path, manner)
  try {
    return await readFhir(scene, login, path, { withinMs: 20_000 })
  } finally {
    login.ehr.fhir.delete(path)
  }
}

/** A resource with these headers. */
export const withHeaders =
  (headers: Record<string, string | string[]>, status = 200): Manner =>
  (_request, response) => {
    response
      .writeHead(status, { 'content-type': 'application/fhir+json', ...headers })
      .end('{"resourceType":"Basic"}')
  }

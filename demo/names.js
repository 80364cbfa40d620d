// The names of the patients that this browser's sessions are about. They are read from each session's own
// record, when a page begins and never on a timer, because a read keeps that session alive; and they are
// kept nowhere but in this page.

import { formatDay } from './dates.js'
import { createFhirClient } from './fhir.js'
import { nameOf } from './wording.js'

const found = new Map()

/** What a session is called: `{ name, detail }`. Never its id, nor the patient's. */
export async function nameSession(session) {
  const known = found.get(session.id) ?? findName(session)
  found.set(session.id, known)
  return await known
}

/** The name of a session whose patient has been read. */
export function keepName({ id }, patient) {
  found.set(id, Promise.resolve(describe(patient)))
}

async function findName(session) {
  const { patient } = session
  if (patient === undefined) return { name: session.user?.name ?? 'No patient' }
  const read = createFhirClient(session).read(`Patient/${encodeURIComponent(patient)}`)
  return await read.then(describe, () => ({ name: 'A patient whose name cannot be read' }))
}

function describe(patient) {
  const { birthDate } = patient
  return {
    name: nameOf(patient) ?? 'A patient without a name',
    detail: birthDate && `born ${formatDay(birthDate)}`,
  }
}

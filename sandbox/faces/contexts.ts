// Launch contexts as servers write them: the patient in other shapes than an id.

import { json } from '../http/answer.ts'
import type { Document, Face, TokenCall } from './face.ts'

/** A face whose token answers tell the patient in another shape. */
function naming(name: string, about: string, patient: (call: TokenCall) => unknown): Face {
  return {
    name,
    about,
    token: (body: Document, call) => json({ ...body, patient: patient(call) }),
  }
}

export const contextFaces: readonly Face[] = [
  naming('patient-missing', 'No patient.', () => undefined),
  naming('patient-null', 'patient is null.', () => null),
  naming('patient-empty', 'patient is empty.', () => ''),
  naming('patient-reference', 'patient is a reference.', () => 'Patient/amy-shaw'),
  naming('patient-versioned', 'patient is a reference to a version.', () => {
    return 'Patient/amy-shaw/_history/1'
  }),
  naming('patient-url', "patient is the record's address.", ({ site }) => {
    return `${site.base}/Patient/amy-shaw`
  }),
  naming('patient-url-foreign', 'patient is an address on another server.', () => {
    return 'https://evil.example/fhir/Patient/amy-shaw'
  }),
  naming('patient-object', 'patient is a Reference.', () => ({ reference: 'Patient/amy-shaw' })),
  naming('patient-number', 'patient is a number.', () => 4711),
  {
    name: 'patient-number-long',
    about: 'patient is a number of more digits than JSON readers keep.',
    token: (body: Document) => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, patient: 0 }).replace(
        '"patient":0',
        '"patient":90071992547409931234',
      ),
    }),
  },
  naming('patient-underscore', 'The id of the patient has an underscore.', () => 'Z6129_7'),
  naming('patient-climbing', 'patient is a path.', () => '../Practitioner/maria-rivera'),
  naming('patient-long', 'The id of the patient has 200 characters.', () => 'p'.repeat(200)),
  naming('patient-other-type', 'patient is a reference to a Practitioner.', () => {
    return 'Practitioner/maria-rivera'
  }),
]

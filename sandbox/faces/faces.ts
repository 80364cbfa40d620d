// All faces of the sandbox. A new one is an entry in the table of its subject.

import { callbackFaces } from './callbacks.ts'
import { discoveryFaces } from './discovery.ts'
import type { Face } from './face.ts'
import { fhirFaces } from './fhir-answers.ts'
import { idTokenFaces } from './id-tokens.ts'
import { legacyFaces } from './legacy.ts'
import { plainFaces } from './plain.ts'
import { renewalFaces } from './renewals.ts'
import { tokenFaces } from './token-answers.ts'

export const faces: readonly Face[] = [
  ...plainFaces,
  ...discoveryFaces,
  ...legacyFaces,
  ...callbackFaces,
  ...tokenFaces,
  ...idTokenFaces,
  ...renewalFaces,
  ...fhirFaces,
]

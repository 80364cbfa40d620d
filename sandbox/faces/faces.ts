// All faces of the sandbox. A new one is an entry in the table of its subject.

import { busyFaces } from './busy.ts'
import { callbackFaces } from './callbacks.ts'
import { codingFaces } from './codings.ts'
import { connectionFaces } from './connections.ts'
import { contextFaces } from './contexts.ts'
import { discoveryFaces } from './discovery.ts'
import type { Face } from './face.ts'
import { fhirFaces } from './fhir-answers.ts'
import { idTokenFaces } from './id-tokens.ts'
import { legacyFaces } from './legacy.ts'
import { linkFaces } from './links.ts'
import { logoutFaces } from './logouts.ts'
import { mediaTypeFaces } from './media-types.ts'
import { plainFaces } from './plain.ts'
import { redirectFaces } from './redirects.ts'
import { refusalFaces } from './refusals.ts'
import { renewalFaces } from './renewals.ts'
import { tokenFaces } from './token-answers.ts'

export const faces: readonly Face[] = [
  ...plainFaces,
  ...discoveryFaces,
  ...busyFaces,
  ...redirectFaces,
  ...legacyFaces,
  ...refusalFaces,
  ...callbackFaces,
  ...tokenFaces,
  ...contextFaces,
  ...idTokenFaces,
  ...renewalFaces,
  ...logoutFaces,
  ...fhirFaces,
  ...linkFaces,
  ...codingFaces,
  ...mediaTypeFaces,
  ...connectionFaces,
]

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

export interface FaceGroup {
  title: string
  faces: readonly Face[]
}

/** Every face, by what it is about. */
export const faceGroups: readonly FaceGroup[] = [
  { title: 'As they should be', faces: plainFaces },
  { title: 'Discovery', faces: [...discoveryFaces, ...busyFaces, ...redirectFaces] },
  { title: 'Discovery by metadata alone', faces: legacyFaces },
  { title: 'The way to the login and back', faces: [...refusalFaces, ...callbackFaces] },
  { title: 'Token answers', faces: tokenFaces },
  { title: 'Launch context', faces: contextFaces },
  { title: 'id_tokens and keys', faces: idTokenFaces },
  { title: 'Renewals', faces: renewalFaces },
  { title: 'Logout', faces: logoutFaces },
  { title: 'FHIR answers', faces: fhirFaces },
  { title: 'Addresses in FHIR answers', faces: linkFaces },
  { title: 'Content codings', faces: codingFaces },
  { title: 'Media types and charsets', faces: mediaTypeFaces },
  { title: 'Connections and interim answers', faces: connectionFaces },
]

export const faces: readonly Face[] = faceGroups.flatMap(group => group.faces)

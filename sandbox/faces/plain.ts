// The faces without faults: EHRs as they should be, of today and of the tutorial's day.

import { notThere } from './answers.ts'
import type { Face } from './face.ts'

export const plainFaces: readonly Face[] = [
  { name: 'r4', base: '/r4', about: 'FHIR R4 with a SMART configuration.' },
  { name: 'embedded', about: 'FHIR R4 again, for an app that is shown in a frame of the chart.' },
  {
    name: 'dstu2',
    base: '/dstu2',
    about: 'DSTU2: Conformance with oauth-uris in application/json+fhir, no SMART configuration.',
    fhirVersion: '1.0.2',
    smartConfiguration: notThere,
  },
  {
    name: 'stu3',
    about: "STU3: CapabilityStatement with oauth-uris only; resources stay in R4's shape.",
    fhirVersion: '3.0.1',
    smartConfiguration: notThere,
  },
]

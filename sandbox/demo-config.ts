// The demo's configuration: the sandbox EHR's R4 and DSTU2 faces, registered with the tutorial's client.

import { stringify } from 'yaml'
import { tutorialClient } from './tutorial-client.ts'

/** The ids of the demo's registrations. */
export const demoEhrIds = ['general', 'dstu2'] as const

export interface DemoPlaces {
  /** Public URL of the broker and URL of the sandbox. */
  app: string
  sandbox: string
  keysFile: string
  /** Path of the vault file. */
  vault: string
  /** Folder of the frontend's files (publishDemo). */
  site: string
  /** Whether the sandbox's charts show the demo in their frame. */
  framed?: boolean
}

/** The text of fhirstorm.yaml for the demo. */
export function buildDemoConfig({
  app,
  sandbox,
  keysFile,
  vault,
  site,
  framed = false,
}: DemoPlaces): string {
  const { hostname, port } = new URL(app)
  const client = {
    clientId: tutorialClient.id,
    clientAuth: { method: 'client_secret_basic', secret: tutorialClient.secret },
  }
  const ofPatient = 'launch launch/patient openid fhirUser profile offline_access patient/*.cruds'
  const inFrame = {
    id: 'embedded',
    name: 'General Hospital, in a frame',
    iss: `${sandbox}/faces/embedded/fhir`,
    ...client,
    scope: ofPatient,
    origins: [sandbox],
    embedded: true,
  }
  return stringify({
    publicUrl: app,
    listen: { host: hostname, port: Number(port || 80) },
    frontend: { static: site },
    keysFile,
    vault: { kind: 'sqlite', path: vault },
    docs: true,
    log: { level: 'warn' },
    ehrs: [
      {
        id: 'general',
        name: 'General Hospital',
        iss: `${sandbox}/r4`,
        ...client,
        scope: ofPatient,
        origins: [sandbox],
      },
      {
        id: 'dstu2',
        name: 'Old Town Clinic (DSTU2)',
        iss: `${sandbox}/dstu2`,
        ...client,
        scope: 'launch patient/*.* openid profile offline_access launch/patient',
        origins: [sandbox],
        issuers: [sandbox],
      },
      ...(framed ? [inFrame] : []),
    ],
  })
}

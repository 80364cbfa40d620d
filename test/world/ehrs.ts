// Further EHRs for a world: faces of the sandbox, each registered under its own name.

import type { Face } from '../../sandbox/faces/face.ts'
import type { Answer } from '../../sandbox/http/answer.ts'
import type { ConfigDocument } from './world.ts'

/** The ids under which the sandbox must know redirect URIs, for the demo's EHRs and these faces. */
export function ehrIdsWith(...faces: string[]): string[] {
  return ['general', 'dstu2', ...faces]
}

/** Registers faces of the sandbox, each with a redirect URI of its own; `settings` are laid over. */
export function registerFaces(
  document: ConfigDocument,
  sandboxUrl: string,
  faces: readonly string[],
  settings: ConfigDocument = {},
): void {
  const [general] = document.ehrs
  for (const face of faces) {
    document.ehrs.push({
      ...general,
      ...{ id: face, name: face, iss: `${sandboxUrl}/faces/${face}/fhir` },
      redirectPath: `/redirect/${face}`,
      ...settings,
    })
  }
}

/** An EHR whose every answer begins at once and goes on until somebody ends it. */
export const endlessFace: Face = {
  name: 'endless',
  about: 'A line of NDJSON every 50 ms, for ever.',
  async fhir(): Promise<Answer> {
    return {
      status: 200,
      headers: { 'content-type': 'application/fhir+ndjson' },
      body: dripLines(),
    }
  },
}

async function* dripLines(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield Buffer.from('{"resourceType":"Basic"}\n')
    await new Promise(done => setTimeout(done, 50).unref())
  }
}

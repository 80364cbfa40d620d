// A world whose frontend is one of the apps under examples/, unchanged, behind the façade.

import { copyFileSync, cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder } from './folder.ts'
import { type ConfigDocument, createWorld, type World } from './world.ts'

/** fhirclient's own build, as apps have it from a content delivery network. */
export const fhirclient = 'test/browser/vendor/fhir-client.pure.min.js'

export interface AppWorldOptions {
  /** Folder below examples/. */
  example: string
  /** Where its pages are, below the public URL's path; at the root unless told. */
  below?: string
  facade: { launchUrl: string; redirectUris: string[]; clientId: string }
  configure?: (document: ConfigDocument) => void
}

/** The world of `examples/smart-app`, which loads fhirclient from beside it. */
export function createSmartAppWorld(configure?: AppWorldOptions['configure']): Promise<World> {
  const facade = {
    ...{ launchUrl: '/launch.html', redirectUris: ['/', '/index.html'] },
    clientId: 'growth-notes',
  }
  return createAppWorld({ example: 'smart-app', facade, configure })
}

/** The world of any of them; the copy of its files ends with it. */
export async function createAppWorld(options: AppWorldOptions): Promise<World> {
  const { example, below = '', facade, configure } = options
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-app-'))
  const pages = join(folder, below)
  cpSync(join('examples', example), pages, { recursive: true })
  copyFileSync(fhirclient, join(pages, 'fhir-client.js'))
  const world = await createWorld({
    configure(document) {
      document.frontend = { static: folder, contentSecurityPolicy: 'existing-app' }
      document.facade = facade
      configure?.(document)
    },
  })
  return {
    ...world,
    async close() {
      await world.close()
      removeFolder(folder)
    },
  }
}

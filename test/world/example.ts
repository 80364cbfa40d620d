// An example of examples/ that brings a configuration for the sandbox, as it stands there: only its ports are
// others, so that tests can run beside each other.

import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { createWorld, type World } from './world.ts'

/** The client secret that the examples are told by the environment. */
const CLIENT_SECRET = 'sandbox-secret'

/**
 * The world of an example's fhirstorm.yaml. `origins` says where the addresses of the app that it names are
 * here; fhirstorm itself listens at `server` of the world.
 */
export async function createExampleWorld(
  name: string,
  origins: Readonly<Record<string, string>> = {},
): Promise<World> {
  const text = readFileSync(join('examples', name, 'fhirstorm.yaml'), 'utf8')
  return await createWorld({
    configure(document, sandbox) {
      const here = { 'http://127.0.0.1:5001': sandbox, ...origins }
      const own = { 'http://localhost:5000': document.publicUrl }
      let moved = text.replace('$' + '{CLIENT_SECRET}', CLIENT_SECRET)
      for (const [there, origin] of Object.entries({ ...own, ...here })) {
        moved = moved.replaceAll(there, origin)
      }
      const port = new URL(document.publicUrl).port
      const settings = parse(moved.replaceAll('localhost:5000', `localhost:${port}`))
      const { frontend } = settings
      if (frontend?.static) frontend.static = resolve('examples', name, frontend.static)
      const { listen, keysFile, vault } = document
      for (const setting of Object.keys(document)) delete document[setting]
      Object.assign(document, settings, { listen, keysFile, vault })
    },
  })
}

/** Where fhirstorm listens, whatever its public URL is. */
export function findListener({ server }: World): string {
  return `http://localhost:${(server.server.address() as AddressInfo).port}`
}

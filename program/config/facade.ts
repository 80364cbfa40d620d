// The addresses of an existing app, held against the routes of fhirstorm itself: a page at one of them would never
// be reached, and a launch would end at a refusal. Pure: no I/O.

import type { FacadeClient } from '../../src/facade/client.ts'
import type { ConfigDocument } from './schema.ts'
import type { SoundParts } from './sound-parts.ts'

type Fault = readonly [place: readonly PropertyKey[], message: string]

/** Routes that are one address, and those with more below them. */
const ADDRESS = /^\/(?:login|ehrs|logout|backchannel-logout|healthz|readyz)$/
const FOLDER = /^\/(?:launch|redirect|sessions|fhir|smart)(?:\/|$)/

/** What is wrong with `facade`: each place, and the words for it. */
export function listFacadeFaults({
  facade,
  publicUrl,
}: Pick<SoundParts, 'facade' | 'publicUrl'>): Fault[] {
  if (facade === undefined || publicUrl === undefined) return []
  const { launchUrl, redirectUris } = facade
  const addresses: [readonly PropertyKey[], string][] = [
    [['facade', 'launchUrl'], launchUrl],
    ...redirectUris.map((uri, i): [PropertyKey[], string] => [['facade', 'redirectUris', i], uri]),
  ]
  return addresses
    .filter(([, address]) => isOwnRoute(address, publicUrl))
    .map(([place]) => [
      place,
      'is a route of fhirstorm itself: the app has its page elsewhere, or publicUrl a path',
    ])
}

function isOwnRoute(address: string, publicUrl: string): boolean {
  const base = new URL(publicUrl).pathname.replace(/\/$/, '')
  const { pathname } = new URL(address, publicUrl)
  if (!pathname.startsWith(`${base}/`)) return false
  const local = pathname.slice(base.length)
  return ADDRESS.test(local) || FOLDER.test(local)
}

/** The app as the façade knows it: its addresses lie at our own origin, where its tickets are sent. */
export function resolveClient(
  { launchUrl, redirectUris, clientId, pkceOptional }: NonNullable<ConfigDocument['facade']>,
  publicUrl: string,
): FacadeClient {
  const resolve = (path: string) => new URL(path, publicUrl).href
  return {
    ...{ clientId, pkceOptional, launchUrl: resolve(launchUrl) },
    redirectUris: redirectUris.map(resolve),
  }
}

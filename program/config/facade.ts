// The addresses of an existing app, held against the routes of fhirstorm itself: a page at one of them would never
// be reached, and a launch would end at a refusal. Pure: no I/O.

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
    .map(([place]) => [place, 'is a route of fhirstorm itself: the app has its page elsewhere'])
}

function isOwnRoute(address: string, publicUrl: string): boolean {
  const base = new URL(publicUrl).pathname.replace(/\/$/, '')
  const { pathname } = new URL(address, publicUrl)
  if (!pathname.startsWith(`${base}/`)) return false
  const local = pathname.slice(base.length)
  return ADDRESS.test(local) || FOLDER.test(local)
}

// What the whole product asks of the app that registers it, and of whoever makes its options by hand:
// every fault is one sentence, told before a vault is opened.

import type { FastifyInstance } from 'fastify'
import {
  anObject,
  type Check,
  judgeParts,
  listOf,
  listWith,
  optional,
  withMethods,
} from '../src/plugin-terms.ts'
import { routeGroups } from './route-groups.ts'

// By the settings of the app, which all of its scopes have in common.
const taken = new WeakMap<object, Set<string>>()

/** Throws a TypeError for options of `app.register(fhirstorm, …)` that are none: see `FhirstormOptions`. */
export function judgeEmbedding(options: object): void {
  const isBuilt = !('config' in options) && 'prefix' in options && 'proxy' in options
  judgeParts('fhirstorm', 'options', options, {
    ...(isBuilt ? {} : { config: aConfig }),
    leaveOut: optional(listOf(...routeGroups)),
  })
}

/** Throws a TypeError where `buildOptions` is not given what `loadConfig` and `openVault` gave. */
export function judgeMaterial(config: unknown, surroundings: unknown): void {
  judgeParts('buildOptions', 'config', config, {
    registrations: listWith('id', 'iss'),
    keyRing: anObject,
  })
  judgeParts('buildOptions', 'surroundings', surroundings, {
    vault: withMethods('head', 'close'),
  })
}

/**
 * Throws where the product cannot lie below `path` (empty for the root) in this scope: `prefix` makes
 * another path, or a broker lies there already, which Fastify would tell by ending the process.
 */
export function judgePlace(app: FastifyInstance, prefix: string, path: string): void {
  if (prefix !== path) {
    throw new Error(
      `fhirstorm: options.prefix makes ${prefix || '/'}, and the path of publicUrl is ${path || '/'}: browsers would not find the routes`,
    )
  }
  if (taken.get(app.initialConfig)?.has(path)) {
    throw new Error(
      `fhirstorm: one is registered below ${path || '/'} already; a second needs a publicUrl with a path of its own`,
    )
  }
}

/** Notes that a broker lies below `path` in this app. */
export function takePlace(app: FastifyInstance, path: string): void {
  taken.set(app.initialConfig, new Set(taken.get(app.initialConfig)).add(path))
}

const aConfig: Check = value => {
  if (typeof value === 'string' && value !== '') return undefined
  const isLoaded = typeof value === 'object' && value !== null && 'keyRing' in value
  return isLoaded ? undefined : 'must be the path of a file, or what loadConfig gave'
}

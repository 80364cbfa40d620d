// Routes: the frontend's own files, where one container serves app and broker; else one small page at
// the root, so that a login never ends in 404. Headers by @fastify/helmet; the page's policy allows
// nothing but its own origin. Hidden files are not served (attacks X16).

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import helmet from '@fastify/helmet'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import {
  buildExistingAppPolicy,
  buildPolicy,
  EXISTING_APP,
  framedBy,
} from '../src/browser/content-security-policy.ts'
import { isHidden } from '../src/browser/hidden-path.ts'
import { buildLandingPage, type Look } from '../src/browser/page.ts'
import { chooseLanguage, describeDenialIn, type Language } from '../src/browser/page-words.ts'
import { chooseOpenerPolicy } from '../src/browser/security-headers.ts'
import { isPageOfApp } from '../src/browser/single-page.ts'
import { BrokerError } from '../src/errors.ts'
import {
  aBoolean,
  anObject,
  aText,
  judgeOptions,
  listOfTexts,
  optional,
} from '../src/plugin-terms.ts'
import { authorizationErrors, describeDenial } from '../src/smart/launch/denials.ts'
import type { AuthorizationErrorCode } from '../src/smart/types.ts'

export interface FrontendOptions {
  /** Absolute folder of the frontend's files. */
  root?: string
  /** File below the folder for addresses that are the app's own: of an app of one page, `index.html`. */
  fallback?: string
  /**
   * Replaces the policy of the files' pages, for frontends that need more than their own origin;
   * `existing-app` for those that were written without one.
   */
  contentSecurityPolicy?: string
  /** Path that starts a login; /login unless told. */
  loginPath?: string
  /** Origins of EHRs that show the app in a frame; none unless told. */
  frameAncestors?: readonly string[]
  /** How the page looks that is shown where there are no files. */
  look?: Look
  /** False only for plain http on loopback; true, which adds HSTS, unless told. */
  secure?: boolean
  /** Whether HSTS is for the host's subdomains too; false unless told. */
  hstsIncludeSubDomains?: boolean
  /** Whether the pages and the windows that they open go on knowing each other; false unless told. */
  keepOpener?: boolean
}

async function frontend(app: FastifyInstance, options: FrontendOptions): Promise<void> {
  judgeOptions('frontend', options, {
    root: optional(aText),
    fallback: optional(aText),
    hstsIncludeSubDomains: optional(aBoolean),
    keepOpener: optional(aBoolean),
    frameAncestors: optional(listOfTexts),
    look: optional(anObject),
    secure: optional(aBoolean),
  })
  const { root, loginPath = '/login', frameAncestors = [], secure = true } = options
  if (root === undefined) {
    app.get('/', { config: { page: true } }, async (request, reply) => {
      const { error } = request.query as { error?: AuthorizationErrorCode }
      const language = chooseLanguage(request.headers['accept-language'])
      const refusal = authorizationErrors.includes(error as AuthorizationErrorCode)
        ? tellDenial(language, error as AuthorizationErrorCode)
        : undefined
      const { look } = options
      const page = buildLandingPage(loginPath, { frameAncestors, refusal, look, language })
      return reply
        .header('vary', 'Accept-Language')
        .header('content-security-policy', page.contentSecurityPolicy)
        .type('text/html; charset=utf-8')
        .send(page.html)
    })
    return
  }

  const { contentSecurityPolicy: named } = options
  const policy =
    named === EXISTING_APP
      ? buildExistingAppPolicy(frameAncestors)
      : (named ?? buildFilesPolicy(frameAncestors))
  // Before the answer is known: a page of ours that tells a fault comes with a policy of its own.
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('content-security-policy', policy)
  })
  await app.register(helmet, {
    contentSecurityPolicy: false,
    crossOriginOpenerPolicy: { policy: chooseOpenerPolicy(options.keepOpener ?? false) },
    frameguard: frameAncestors.length > 0 ? false : { action: 'deny' },
    strictTransportSecurity: secure && {
      includeSubDomains: options.hstsIncludeSubDomains ?? false,
    },
    referrerPolicy: { policy: 'no-referrer' },
  })
  // A path written another way than the file's own is none of ours.
  app.setErrorHandler((error: { statusCode?: number }) => {
    throw error.statusCode === 403 ? new BrokerError('not_found') : error
  })
  const { fallback } = options
  if (fallback !== undefined) {
    app.addHook('preHandler', async (request, reply) => {
      const path = (request.params as { '*'?: string })['*'] ?? ''
      const { method, headers } = request
      if (!isPageOfApp({ method, path, headers }) || (await isThere(join(root, path)))) return
      return reply.sendFile(fallback)
    })
  }
  await app.register(fastifyStatic, {
    root,
    cacheControl: true,
    maxAge: 0,
    etag: true,
    allowedPath: path => !isHidden(path),
  })
}

function tellDenial(language: Language, error: AuthorizationErrorCode): string {
  return describeDenialIn(language, error, describeDenial(error))
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

function buildFilesPolicy(frameAncestors: readonly string[]): string {
  return buildPolicy({
    'default-src': ["'self'"],
    'img-src': ["'self'", 'blob:', 'data:'],
    // A PDF from memory.
    'frame-src': ["'self'", 'blob:'],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': framedBy(frameAncestors),
  })
}

export default fp(frontend, { name: 'fhirstorm-frontend', fastify: '5.x', encapsulate: true })

// Capability: fhirstorm's cookies. Seals small values with @fastify/secure-session, one named session
// and one key array per purpose, and sets, reads and clears cookies with the attributes they must have.

import cookie, { type SerializeOptions } from '@fastify/cookie'
import secureSession from '@fastify/secure-session'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import {
  buildCookieAttributes,
  buildCookieNames,
  type CookieKind,
  type CookieNames,
  readCookie,
  requireCookieName,
} from '../src/browser/cookies.ts'
import { aBoolean, anObject, judgeOptions, oneOf, optional } from '../src/plugin-terms.ts'
import { LAUNCH_LIFETIME_SECONDS } from '../src/smart/launch/state.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartCookies: Cookies
  }
}

export type SealPurpose = 'ticket' | 'launch'

export interface Cookies {
  names: CookieNames
  /** Seals text members for one purpose; the result is safe in a cookie as it stands. */
  seal(purpose: SealPurpose, data: Record<string, string>): string
  /** The sealed members, or undefined for anything forged, altered, too old or of another purpose. */
  open(purpose: SealPurpose, text: string): Record<string, string> | undefined
  /** The one value of a cookie; undefined when absent or sent twice. */
  read(request: FastifyRequest, name: string): string | undefined
  set(reply: FastifyReply, kind: CookieKind, name: string, value: string, how: SetCookie): void
  clear(reply: FastifyReply, kind: CookieKind, name: string, how: { embedded: boolean }): void
}

export interface SetCookie {
  embedded: boolean
  maxAgeSeconds: number
}

export interface CookiesOptions {
  /** False only for plain http on loopback; true unless told. */
  secure?: boolean
  /** `strict` unless told. */
  ticketSameSite?: 'strict' | 'lax'
  /** 32-byte keys per purpose, the sealing one first. */
  keys: Record<SealPurpose, Buffer[]>
  /** Seconds after which a sealed value is refused, per purpose; 12 hours and 10 minutes unless told. */
  lifetimes?: Partial<Record<SealPurpose, number>>
}

const DEFAULT_LIFETIMES = { ticket: 43_200, launch: LAUNCH_LIFETIME_SECONDS }
const SEALED = /^([A-Za-z0-9_-]{1,4096})\.([A-Za-z0-9_-]{32})$/

async function cookies(app: FastifyInstance, options: CookiesOptions): Promise<void> {
  judgeOptions('cookies', options, {
    keys: anObject,
    ticketSameSite: optional(oneOf('strict', 'lax')),
    secure: optional(aBoolean),
  })
  const { secure = true, ticketSameSite = 'strict' } = options
  checkKeys(options.keys)
  const names = buildCookieNames(secure)
  const sealer = await createSealer(app, options)

  // Beside whatever the host sets itself.
  const write = (reply: FastifyReply, name: string, value: string, how: SerializeOptions) =>
    reply.header('set-cookie', sealer.print(requireCookieName(name), value, how))

  app.decorate('smartCookies', {
    names,
    seal: (purpose, data) => toCookieText(sealer.seal(purpose, data)),
    open(purpose, text) {
      const sealed = fromCookieText(text)
      return sealed === undefined ? undefined : sealer.open(purpose, sealed)
    },
    read: (request, name) => readCookie(request.headers.cookie, name),
    set(reply, kind, name, value, { embedded, maxAgeSeconds }) {
      write(reply, name, value, { ...attributes(kind, embedded), maxAge: maxAgeSeconds })
    },
    clear(reply, kind, name, { embedded }) {
      write(reply, name, '', { ...attributes(kind, embedded), maxAge: 0, expires: new Date(0) })
    },
  })

  function attributes(kind: CookieKind, embedded: boolean) {
    return buildCookieAttributes(kind, { secure, ticketSameSite, embedded })
  }
}

// In an app of its own, which nobody asks anything: only its sealing functions are wanted, and a host may
// have @fastify/secure-session, @fastify/session or @fastify/cookie for itself, under the same names.
async function createSealer(app: FastifyInstance, options: CookiesOptions): Promise<Sealer> {
  const sealing = fastify()
  app.addHook('onClose', async () => await sealing.close())
  await sealing.register(cookie, { hook: false })
  await sealing.register(
    secureSession,
    (['ticket', 'launch'] as const).map(purpose => ({
      sessionName: purpose,
      cookieName: `fhirstorm-never-issued-${purpose}`,
      key: options.keys[purpose],
      expiry: options.lifetimes?.[purpose] ?? DEFAULT_LIFETIMES[purpose],
    })),
  )
  await sealing.ready()
  return {
    seal: (purpose, data) =>
      sealing.encodeSecureSession(sealing.createSecureSession({ ...data }), purpose),
    open: (purpose, sealed) =>
      sealing.decodeSecureSession(sealed, undefined, purpose)?.data() as
        | Record<string, string>
        | undefined,
    print: sealing.serializeCookie,
  }
}

interface Sealer extends Pick<Cookies, 'seal' | 'open'> {
  /** A Set-Cookie. */
  print(name: string, value: string, attributes: SerializeOptions): string
}

// secure-session checks an array of keys with `every` and would accept one bad key among good ones.
function checkKeys(keys: CookiesOptions['keys']): void {
  for (const purpose of ['ticket', 'launch'] as const) {
    const ring: unknown = keys[purpose]
    if (!Array.isArray(ring) || ring.length === 0 || ring.some(key => key?.length !== 32)) {
      throw new Error(`each ${purpose} cookie key must be exactly 32 bytes`)
    }
  }
  // secure-session binds a value to its key alone: one key for two purposes would let a launch cookie
  // pass for a ticket (attacks K4).
  if (keys.ticket.some(key => keys.launch.some(other => key.equals(other)))) {
    throw new Error('tickets and launch cookies may not share a key')
  }
}

function toCookieText(sealed: string): string {
  const [cipher = '', nonce = ''] = sealed.split(';')
  return `${toUrlSafe(cipher)}.${toUrlSafe(nonce)}`
}

// One text per sealed value: the decoder beneath ignores stray characters, so what does not come out
// the same when written again is refused (attacks K3).
function fromCookieText(text: string): string | undefined {
  const parts = SEALED.exec(text)
  if (!parts) return undefined
  const [, cipher = '', nonce = ''] = parts
  const cipherBytes = Buffer.from(cipher, 'base64url')
  if (cipherBytes.toString('base64url') !== cipher) return undefined
  return `${cipherBytes.toString('base64')};${Buffer.from(nonce, 'base64url').toString('base64')}`
}

function toUrlSafe(base64: string): string {
  return Buffer.from(base64, 'base64').toString('base64url')
}

export default fp(cookies, { name: 'fhirstorm-cookies', fastify: '5.x' })

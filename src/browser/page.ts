// The few static pages fhirstorm shows itself: a refusal, a choice of EHRs, the form that carries a
// long authorization request, the landing page without a frontend. Every text is ours or escaped
// configuration; nothing of a request is ever shown. Pure: no I/O.

import { createHash } from 'node:crypto'
import { buildPolicy, type Directives, framedBy } from './content-security-policy.ts'
import { buildStyle } from './page-style.ts'
import { type Language, wordsIn } from './page-words.ts'

export interface Page {
  html: string
  contentSecurityPolicy: string
}

/** What an operator gives the pages, so that users know where they are. */
export interface Look {
  title?: string
  /** Address of an image: a path at our own origin, or absolute. */
  logo?: string
  /** As `#rrggbb`. */
  colour?: string
}

export interface PageOptions {
  look?: Look
  /** English unless told. */
  language?: Language
  /** Origins that may frame the page; none by default. */
  frameAncestors?: readonly string[]
}

const SUBMIT = 'document.forms[0].submit()'
const SUBMIT_HASH = hashSource(SUBMIT)

/** A refusal: what happened in fixed words, the EHR's registered name, a link to start again. */
export function buildFaultPage(
  fault: {
    message: string
    requestId: string
    ehrName?: string
    startAgain?: string
    /** The EHR began this login, and has to begin the next one too. */
    isForEhr?: boolean
    /** The browser keeps no cookies in a frame of another site: the next login belongs in a tab. */
    isForTab?: boolean
  },
  options: PageOptions = {},
): Page {
  const words = wordsIn(options.language ?? 'en')
  const ehr = fault.ehrName === undefined ? '' : `<p>EHR: <b>${escapeHtml(fault.ehrName)}</b></p>`
  const toEhr = fault.isForEhr ? `<p>${words.openAgain}</p>` : ''
  const inTab = fault.isForTab ? ' target="_blank" rel="noopener"' : ''
  const again =
    fault.startAgain === undefined
      ? toEhr
      : `<p><a href="${escapeHtml(fault.startAgain)}"${inTab}>${fault.isForTab ? words.openInTab : words.startAgain}</a></p>`
  return buildPage(
    words.didNotWork,
    `<p>${escapeHtml(fault.message)}</p>${fault.isForTab ? `<p>${words.noCookiesInFrame}</p>` : ''}${ehr}${again}<p><small>${words.request} ${escapeHtml(fault.requestId)}</small></p>`,
    options,
  )
}

/** The choice between several EHRs; each link starts that registration's standalone launch. */
export function buildChoicePage(
  choices: readonly { name: string; href: string }[],
  options: PageOptions = {},
): Page {
  const items = choices.map(
    choice => `<li><a href="${escapeHtml(choice.href)}">${escapeHtml(choice.name)}</a></li>`,
  )
  const { whichEhr } = wordsIn(options.language ?? 'en')
  return buildPage(whichEhr, `<ul>${items.join('')}</ul>`, options)
}

/**
 * The page shown at the root when no frontend is configured, so that a login never ends in 404. `refusal`
 * tells of a login that the EHR refused, in our words.
 */
export function buildLandingPage(
  loginHref: string,
  options: PageOptions & { refusal?: string } = {},
): Page {
  const words = wordsIn(options.language ?? 'en')
  const href = escapeHtml(loginHref)
  if (options.refusal !== undefined) {
    const again = `<p><a href="${href}">${words.startAgain}</a></p>`
    return buildPage(words.didNotWork, `<p>${escapeHtml(options.refusal)}</p>${again}`, options)
  }
  return buildPage(
    words.running,
    `<p>${words.noFrontend} <a href="${href}">${words.logIn}</a> ${words.thenCall} <code>GET /sessions</code></p>`,
    options,
  )
}

/**
 * The form that posts an authorization request (SMART `authorize-post`). Its policy has no
 * `form-action`: Chromium would apply it to the EHR's own redirect and break the login.
 */
export function buildPostPage(
  form: { action: string; fields: readonly (readonly [name: string, value: string])[] },
  options: PageOptions,
): Page {
  const fields = form.fields.map(
    ([name, value]) =>
      `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  const { continueToEhr } = wordsIn(options.language ?? 'en')
  const body = `<form method="post" action="${escapeHtml(form.action)}">${fields.join('')}<button>${continueToEhr}</button></form><script>${SUBMIT}</script>`
  return buildPage(continueToEhr, body, options, { 'script-src': [`'${SUBMIT_HASH}'`] })
}

/** A page of the given content, which the caller has escaped. */
export function buildDocumentPage(title: string, body: string): Page {
  return buildPage(title, body, {})
}

function buildPage(
  title: string,
  body: string,
  { frameAncestors, look = {}, language = 'en' }: PageOptions,
  further: Directives = { 'form-action': ["'none'"] },
): Page {
  const style = buildStyle(look.colour)
  const whole = look.title === undefined ? title : `${title} – ${look.title}`
  return {
    html: `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(whole)}</title><style>${style}</style></head><body><main>${buildHeader(look)}<h1>${escapeHtml(title)}</h1>${body}</main></body></html>`,
    contentSecurityPolicy: buildPolicy({
      'default-src': ["'none'"],
      'style-src': [`'${hashSource(style)}'`],
      ...(look.logo === undefined ? {} : { 'img-src': [originOf(look.logo)] }),
      'base-uri': ["'none'"],
      ...further,
      'frame-ancestors': framedBy(frameAncestors),
    }),
  }
}

// The name stands beside the logo, which says no more than the name does.
function buildHeader({ title, logo }: Look): string {
  if (title === undefined && logo === undefined) return ''
  const image = logo === undefined ? '' : `<img src="${escapeHtml(logo)}" alt="">`
  const name = title === undefined ? '' : `<span>${escapeHtml(title)}</span>`
  return `<header>${image}${name}</header>`
}

function originOf(address: string): string {
  return address.startsWith('/') ? "'self'" : new URL(address).origin
}

/** Text made safe for element content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`)
}

function hashSource(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

// The few static pages fhirstorm shows itself: a refusal, a choice of EHRs, the form that carries a
// long authorization request, the landing page without a frontend. Every text is ours or escaped
// configuration; nothing of a request is ever shown. Pure: no I/O.

import { createHash } from 'node:crypto'
import { buildPolicy, type Directives, framedBy } from './content-security-policy.ts'

const STYLE = `:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--paper:#fff;--line:#d8dee6;--accent:#0b6e6e}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf3;--soft:#9aa7b6;--paper:#12171e;--line:#2b3542;--accent:#5cc8c0}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{box-sizing:border-box;width:100%;max-width:60rem;padding:2rem clamp(1rem,4vw,2rem);overflow-wrap:anywhere}h1{font-size:1.4rem;margin:0 0 .75rem}p{margin:.5rem 0}small{color:var(--soft)}
ul{list-style:none;padding:0}li{margin:.5rem 0}a,button{color:var(--accent)}
li a{display:block;padding:.75rem 1rem;border:1px solid var(--line);border-radius:.5rem;text-decoration:none}
table{border-collapse:collapse;font-size:.9rem}td{border-top:1px solid var(--line);padding:.35rem .6rem;vertical-align:top}
button{font:inherit;padding:.6rem 1rem;border:1px solid var(--line);border-radius:.5rem;background:none;cursor:pointer}`

export interface Page {
  html: string
  contentSecurityPolicy: string
}

export interface PageOptions {
  /** Origins that may frame the page; none by default. */
  frameAncestors?: readonly string[]
}

const SUBMIT = 'document.forms[0].submit()'
const STYLE_HASH = hashSource(STYLE)
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
  },
  options: PageOptions = {},
): Page {
  const ehr = fault.ehrName === undefined ? '' : `<p>EHR: <b>${escapeHtml(fault.ehrName)}</b></p>`
  const words = fault.isForEhr ? '<p>Please open the app again from the EHR.</p>' : ''
  const again =
    fault.startAgain === undefined
      ? words
      : `<p><a href="${escapeHtml(fault.startAgain)}">Start again</a></p>`
  return buildPage(
    'This did not work',
    `<p>${escapeHtml(fault.message)}</p>${ehr}${again}<p><small>Request ${escapeHtml(fault.requestId)}</small></p>`,
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
  return buildPage('Where do you want to log in?', `<ul>${items.join('')}</ul>`, options)
}

/**
 * The page shown at the root when no frontend is configured, so that a login never ends in 404. `refusal`
 * tells of a login that the EHR refused, in our words.
 */
export function buildLandingPage(
  loginHref: string,
  options: PageOptions & { refusal?: string } = {},
): Page {
  if (options.refusal !== undefined) {
    const again = `<p><a href="${escapeHtml(loginHref)}">Start again</a></p>`
    const body = `<p>${escapeHtml(options.refusal)}</p>${again}`
    return buildPage('This did not work', body, options)
  }
  return buildPage(
    'fhirstorm is running',
    `<p>No frontend is configured here. <a href="${escapeHtml(loginHref)}">Log in</a>, then call FHIR under the address that <code>GET /sessions</code> names.</p>`,
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
  const body = `<form method="post" action="${escapeHtml(form.action)}">${fields.join('')}<button>Continue to the EHR</button></form><script>${SUBMIT}</script>`
  return buildPage('Continue to the EHR', body, options, { 'script-src': [`'${SUBMIT_HASH}'`] })
}

/** A page of the given content, which the caller has escaped. */
export function buildDocumentPage(title: string, body: string): Page {
  return buildPage(title, body, {})
}

function buildPage(
  title: string,
  body: string,
  { frameAncestors }: PageOptions,
  further: Directives = { 'form-action': ["'none'"] },
): Page {
  return {
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`,
    contentSecurityPolicy: buildPolicy({
      'default-src': ["'none'"],
      'style-src': [`'${STYLE_HASH}'`],
      'base-uri': ["'none'"],
      ...further,
      'frame-ancestors': framedBy(frameAncestors),
    }),
  }
}

/** Text made safe for element content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`)
}

function hashSource(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

// The frame of every page of the sandbox.

import { type Html, html } from './html.ts'
import { style } from './style.ts'

export interface Frame {
  title: string
  body: Html
  /** One narrow column, for pages that ask one thing. */
  narrow?: boolean
}

/** A whole page. */
export function layout({ title, body, narrow = false }: Frame): string {
  const { html: text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Sandbox EHR</title>
<style>${{ html: style }}</style>
</head>
<body>
<header><div>
${mark}<a href="/">Sandbox EHR</a>
<p>Synthetic patients only</p>
</div></header>
<main${narrow ? html` class="narrow"` : undefined}>
${body}
</main>
</body>
</html>
`
  return text
}

/** The initials of a name, in a circle. */
export function portrait(name: string): Html {
  const names = name.replace(/^Dr\. /, '').split(' ')
  const initials = `${names.at(0)?.[0] ?? ''}${names.at(-1)?.[0] ?? ''}`
  return html`<span class="face" aria-hidden="true">${initials}</span>`
}

const mark = html`<svg width="28" height="28" viewBox="0 0 28 28" aria-hidden="true">
<rect width="28" height="28" rx="7" fill="#0b6e6e"/>
<path d="M5 15h4.5l2.5-7 4 12 2.5-5H23" fill="none" stroke="#fff" stroke-width="2.2"
 stroke-linejoin="round" stroke-linecap="round"/></svg>`

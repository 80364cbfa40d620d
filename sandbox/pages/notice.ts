// Pages that say one thing: that something went wrong, or that somebody is signed out.

import { type Html, html } from './html.ts'
import { layout } from './layout.ts'

/** What is wrong, in the words of OAuth. */
export function errorNotice(members: Readonly<Record<string, unknown>>): string {
  return layout({
    title: 'This did not work',
    narrow: true,
    body: html`<h1>This did not work</h1>
<p class="lead">The authorization server refused the request, and will not send you back with it.</p>
<div class="card"><dl>${Object.entries(members).map(
      ([name, value]) => html`<dt><code>${name}</code></dt><dd>${String(value)}</dd>`,
    )}</dl></div>`,
  })
}

/** A message, with a form where there is something to decide. */
export function notice(title: string, message: string, form?: Html): string {
  return layout({
    title,
    narrow: true,
    body: html`<h1>${title}</h1><p class="lead">${message}</p>${form}`,
  })
}

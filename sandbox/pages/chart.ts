// A patient's chart with the app in a frame, as EHRs embed apps.

import type { PatientCard } from '../patients/card.ts'
import { html } from './html.ts'
import { layout, portrait } from './layout.ts'

/** The page at `/chart`; `source` is the launch that the frame begins with. */
export function chartPage({ name, identity }: PatientCard, source: string): string {
  return layout({
    title: name,
    body: html`<div class="card person">${portrait(name)}
<span><h1>${name}</h1><small>${identity}</small></span></div>
<iframe class="card" title="The app" src="${source}"></iframe>`,
  })
}

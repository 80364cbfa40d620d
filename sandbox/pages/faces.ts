// The list of faces: each EHR that the sandbox can be, with its FHIR base.

import type { Site } from '../site.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'

/** The page at `/faces`. */
export function facesPage(sites: readonly Site[]): string {
  return layout({
    title: 'Faces',
    body: html`<h1>Faces</h1>
<p class="lead">Each is an EHR of its own to an app: register its FHIR base. Behind all of them are the
same patients and the same authorization server; each does one thing in its own way, or wrongly.</p>
<div class="card scroll"><table>${sites.map(
      ({ face, base }) => html`<tr><td><strong>${face.name}</strong></td>
<td>${face.about}<br><code>${base}</code></td></tr>`,
    )}</table></div>`,
  })
}

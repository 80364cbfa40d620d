// The list of faces: each EHR that the sandbox can be, with its FHIR base and a way to launch from it.

import type { FaceGroup } from '../faces/faces.ts'
import type { Sites } from '../site.ts'
import { type Html, html } from './html.ts'
import { layout } from './layout.ts'

/** The page at `/faces`; sites of no group stand at the end. */
export function facesPage(sites: Sites, groups: readonly FaceGroup[]): string {
  const grouped = groups.map(({ title, faces }) => ({
    title,
    names: faces.map(({ name }) => name),
  }))
  const known = new Set(grouped.flatMap(({ names }) => names))
  const others = sites.all.map(({ face }) => face.name).filter(name => !known.has(name))
  const all = [...grouped, { title: 'Others', names: others }].filter(
    ({ names }) => names.length > 0,
  )
  return layout({
    title: 'Faces',
    body: html`<h1>Faces</h1>
<p class="lead">Each is an EHR of its own to an app: register its FHIR base. Behind all of them are the
same patients and the same authorization server; each does one thing in its own way, or wrongly.</p>
${all.map(
  ({ title, names }, index) => html`<details class="card list"${index === 0 && { html: ' open' }}>
<summary><h2>${title}</h2><small>${names.length}</small></summary>
${names.map(name => faceRow(sites, name))}</details>`,
)}`,
  })
}

function faceRow(sites: Sites, name: string): Html | undefined {
  const site = sites.byName(name)
  return (
    site &&
    html`<div class="row face-row" id="face-${name}">
<div><strong>${name}</strong><p>${site.face.about}</p><code class="copy">${site.base}</code></div>
<a class="button" href="/launch-app?patient=amy-shaw&amp;face=${name}" aria-label="Launch app from ${name}">Launch</a>
</div>`
  )
}

// The front page: the patients, each with ways to launch the app, and how to do it without a browser.

import type { PatientCard } from '../patients/card.ts'
import { html } from './html.ts'
import { layout, portrait } from './layout.ts'

/** The page at `/`. */
export function frontPage({
  patients,
  url,
  appUrl,
}: {
  patients: readonly PatientCard[]
  url: string
  appUrl: string
}): string {
  const [first = { id: 'amy-shaw' }] = patients
  return layout({
    title: 'Patients',
    body: html`<h1>Patients</h1>
<p class="lead">Open the app at <a href="${appUrl}">${appUrl}</a> from a patient's chart, as an EHR does,
or begin in the app and come here to sign in.</p>
<div class="grid">${patients.map(
      ({ id, name, summary }) => html`<section class="card" id="${id}">
<div class="person">${portrait(name)}<span><strong>${name}</strong><small>${id}</small></span></div>
<p class="problems">${summary}</p>
<div class="actions">
<a class="button main" id="launch-${id}" href="/launch-app?patient=${id}">Launch app</a>
<a class="button" href="/launch-app?patient=${id}&amp;face=dstu2">DSTU2</a>
</div></section>`,
    )}</div>
<h2>Without a browser</h2>
<p class="lead">With <code>auto=1</code> no page asks for anything, so that <code>curl -L</code> with a
cookie jar completes a login. <code>auto=deny</code> says no.</p>
<pre># EHR launch
curl -sL -c jar -b jar -o /dev/null '${url}/launch-app?patient=${first.id}&amp;auto=1'

# Standalone: put the choice onto the authorization request …
A=$(curl -s -c jar -b jar -o /dev/null -w '%{redirect_url}' ${appUrl}/login)
curl -sL -c jar -b jar -o /dev/null "$A&amp;patient=${first.id}&amp;auto=1"

# … or prepare this jar's next login
curl -s -c jar -b jar -o /dev/null '${url}/auto?patient=${first.id}'
curl -sL -c jar -b jar -o /dev/null ${appUrl}/login</pre>
<h2>Addresses</h2>
<div class="card scroll"><table>
<tr><td>FHIR R4</td><td><code>${url}/r4</code></td></tr>
<tr><td>FHIR DSTU2</td><td><code>${url}/dstu2</code></td></tr>
<tr><td>Issuer</td><td><code>${url}</code></td></tr>
<tr><td>Other EHRs</td><td><a href="/faces">faces with habits and faults</a>, each a FHIR base of its own</td></tr>
<tr><td>Embedded</td><td><a href="/chart?patient=${first.id}">a chart</a> with the app in its frame, for
apps that allow it</td></tr>
<tr><td>Signed in here?</td><td><a href="/oauth/logout">sign out</a></td></tr>
</table></div>`,
  })
}

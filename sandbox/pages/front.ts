// The start page: everything that the sandbox has. Patients to launch the app for, who can sign in,
// clients, addresses, recipes, and the way to the faces.

import type { Account } from '../authorization/accounts.ts'
import type { PatientCard } from '../patients/card.ts'
import { clientCards } from './front-clients.ts'
import { type Html, html } from './html.ts'
import { layout, portrait } from './layout.ts'
import { buildRecipes, type RecipePlaces } from './recipes.ts'

export interface FrontPage extends RecipePlaces {
  patients: readonly PatientCard[]
  accounts: readonly Account[]
  /** How many faces there are. */
  faces: number
}

/** The page at `/`. */
export function frontPage(page: FrontPage): string {
  const { url, appUrl, patients, accounts } = page
  return layout({
    title: 'Start',
    body: html`<h1>An EHR to build against</h1>
<p class="lead">A real authorization server and FHIR in R4 and DSTU2, with ten synthetic patients. It
launches the app at <a href="${appUrl}">${appUrl}</a>, and signs in whoever comes from there.</p>
<nav class="chips" aria-label="On this page">
<a href="#patients">Patients</a><a href="#users">Users</a><a href="#clients">Clients</a>
<a href="#addresses">Addresses</a><a href="#recipes">Recipes</a><a href="/faces">Faces</a>
</nav>
<h2 id="patients">Patients</h2>
<p class="lead">Launch the app from a patient's chart, as an EHR does, in a page of its own or in a
frame of the chart.</p>
<div class="grid">${patients.map(patientCard)}</div>
<h2 id="users">Users</h2>
<p class="lead">Who can sign in, without passwords. <code>user=ID</code> chooses one for a launch.</p>
<div class="grid">${accounts.map(
      ({ id, name, role }) => html`<div class="card person" id="user-${id}">${portrait(name)}
<span><strong>${name}</strong><small>${role} · <code>${id}</code></small></span></div>`,
    )}</div>
<h2 id="clients">Clients</h2>
<p class="lead">The app is registered three times, once for each way to authenticate. The secrets open
nothing but this sandbox.</p>
${clientCards(page.clients)}
<h2 id="addresses">Addresses</h2>
<div class="card"><dl class="pairs">${addresses.map(
      ([name, path]) => html`<dt>${name}</dt><dd><code class="copy">${url}${path}</code></dd>`,
    )}</dl></div>
<h2 id="recipes">Recipes</h2>
<p class="lead">Lines to paste into a terminal, or into a configuration.</p>
${buildRecipes(page).map(
  ({ id, title, about, text }) => html`<section class="recipe"><h3 id="${id}">${title}</h3>
<p>${about}</p>
<pre tabindex="0" role="region" aria-labelledby="${id}">${text}</pre></section>`,
)}
<h2 id="faces">Faces</h2>
<div class="card"><p>${page.faces} EHRs with habits and faults of their own stand behind addresses of
their own: servers that answer late, redirect, compress, rotate, refuse or lie. <a href="/faces">Look at
the faces</a>.</p></div>
<p class="note"><a href="/oauth/logout">Sign out here</a> ends your login at this EHR.</p>`,
  })
}

function patientCard({ id, name, summary }: PatientCard): Html {
  return html`<section class="card" id="${id}">
<div class="person">${portrait(name)}<span><strong>${name}</strong><small>${id}</small></span></div>
<p class="problems">${summary}</p>
<div class="actions">
<a class="button main" id="launch-${id}" href="/launch-app?patient=${id}" aria-label="Launch app for ${name}">Launch</a>
<a class="button" href="/launch-app?patient=${id}&amp;face=dstu2" aria-label="Launch app for ${name} in DSTU2">DSTU2</a>
<a class="button" href="/chart?patient=${id}&amp;face=embedded" aria-label="Chart of ${name} with the app in a frame">Chart</a>
</div></section>`
}

const addresses: readonly (readonly [name: string, path: string])[] = [
  ['FHIR R4', '/r4'],
  ['FHIR DSTU2', '/dstu2'],
  ['FHIR R4, for apps in a frame', '/faces/embedded/fhir'],
  ['SMART configuration', '/r4/.well-known/smart-configuration'],
  ['Conformance of DSTU2', '/dstu2/metadata'],
  ['Issuer', ''],
  ['OpenID configuration', '/.well-known/openid-configuration'],
  ['EHR launch', '/launch-app?patient=amy-shaw'],
  ['Chart with the app in a frame', '/chart?patient=amy-shaw&face=embedded'],
]

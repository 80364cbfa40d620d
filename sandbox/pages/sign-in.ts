// The pages an authorization goes through: who you are, which patient, and what the app may do. Each
// step is a link that adds to the query, so that they work without a script and can be written by hand.

import type { Account } from '../authorization/accounts.ts'
import { describeScope } from '../authorization/scopes.ts'
import type { PatientCard } from '../patients/card.ts'
import { html } from './html.ts'
import { layout, portrait } from './layout.ts'

/** Asks who signs in. */
export function accountPage(
  accounts: readonly Account[],
  { app, link }: { app: string; link: (user: string) => string },
): string {
  return layout({
    title: 'Sign in',
    narrow: true,
    body: html`<h1>Sign in</h1>
<p class="lead">to go on to <strong>${app}</strong></p>
<div class="card list">${accounts.map(
      ({ id, name, role }) => html`<a class="row person" id="user-${id}" href="${link(id)}">
${portrait(name)}<span><strong>${name}</strong><small>${role}</small></span></a>`,
    )}</div>
<p class="note">There are no passwords here: choose whom to sign in as.</p>`,
  })
}

/** Asks for the patient that the app shall see. */
export function patientPage(
  patients: readonly PatientCard[],
  { app, account, link }: { app: string; account: Account; link: (patient: string) => string },
): string {
  return layout({
    title: 'Choose a patient',
    narrow: true,
    body: html`<h1>Choose a patient</h1>
<p class="lead"><strong>${app}</strong> will see one patient's record. You are ${account.name}.</p>
<div class="card list">${patients.map(
      ({ id, name, summary }) => html`<a class="row person" id="patient-${id}" href="${link(id)}">
${portrait(name)}<span><strong>${name}</strong><small>${summary}</small></span></a>`,
    )}</div>`,
  })
}

export interface Consent {
  app: string
  account: Account
  patient?: PatientCard
  scopes: readonly string[]
  /** Where the decision is posted. */
  action: string
  /** Where another user can be chosen; none in an EHR launch. */
  otherUser?: string
}

/** Asks for leave: each scope can be taken out. */
export function consentPage(consent: Consent): string {
  const { app, account, patient, scopes, action, otherUser } = consent
  return layout({
    title: 'Allow access',
    narrow: true,
    body: html`<h1>Allow access?</h1>
<p class="lead"><strong>${app}</strong> asks ${account.name} for permission to</p>
${
  patient &&
  html`<div class="card person">${portrait(patient.name)}
<span><strong>${patient.name}</strong><small>${patient.summary}</small></span></div>`
}
<form class="card" method="post" action="${action}">
<ul class="scopes">${scopes.map(
      scope => html`<li><label><input type="checkbox" name="scope" value="${scope}" checked>
<span>${describeScope(scope)}<code>${scope}</code></span></label></li>`,
    )}</ul>
<div class="actions">
<button class="main" name="decision" value="grant" id="allow">Allow</button>
<button name="decision" value="deny" id="deny">Deny</button>
</div>
</form>
${otherUser && html`<p class="note"><a href="${otherUser}">Sign in as somebody else</a></p>`}`,
  })
}

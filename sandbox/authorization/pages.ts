// The pages that oidc-provider itself shows: errors that cannot go back to the app, and logout.

import type { Context } from 'oidc-provider'
import { page } from '../http/answer.ts'
import { html } from '../pages/html.ts'
import { errorNotice, notice } from '../pages/notice.ts'

/** An error that stays here: the request named no app that it could be told to. */
export function errorPage(ctx: Context, members: Record<string, unknown>): void {
  show(ctx, errorNotice(members))
}

/** Asks whether to sign out; `form` is the library's own, with its protection against forgery. */
export function logoutPage(ctx: Context, form: string): void {
  const buttons = html`<div class="card actions">${{ html: form }}
<button class="main" type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button type="submit" form="op.logoutForm">Stay signed in</button></div>`
  show(ctx, notice('Sign out?', 'Apps that listen for it are told.', buttons))
}

/** Says that it is done, where no app is to be gone back to. */
export function signedOutPage(ctx: Context): void {
  show(ctx, notice('You are signed out', 'You can close this page.'))
}

function show(ctx: Context, body: string): void {
  const { headers } = page('')
  ctx.set(headers)
  ctx.body = body
}

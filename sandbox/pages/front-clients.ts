// The apps that are registered: ids, secrets and redirect URIs, to copy.

import type { SandboxClient } from '../authorization/clients.ts'
import { type Html, html } from './html.ts'

const methods: Readonly<Record<SandboxClient['method'], string>> = {
  client_secret_basic: 'Secret in the Authorization header',
  client_secret_post: 'Secret in the form',
  private_key_jwt: 'Signed assertions, by the keys of the app',
}

/** A card for each client, and once what they have in common. */
export function clientCards(clients: readonly SandboxClient[]): Html {
  const [first] = clients
  return html`<div class="grid">${clients.map(
    ({ clientId, method, secret, jwksUri }) => html`<section class="card">
<h3>${methods[method]}</h3>
<dl>
<dt>Method</dt><dd><code>${method}</code></dd>
<dt>Client id</dt><dd><code class="copy">${clientId}</code></dd>
${secret && html`<dt>Secret</dt><dd><code class="copy">${secret}</code></dd>`}
${jwksUri && html`<dt>Keys, read from</dt><dd><code class="copy">${jwksUri}</code></dd>`}
</dl></section>`,
  )}</div>
<div class="card"><dl class="pairs">
<dt>Redirect URIs of each</dt>${first?.redirectUris.map(
    uri => html`<dd><code class="copy">${uri}</code></dd>`,
  )}
<dt>After a logout</dt>${first?.postLogoutRedirectUris?.map(
    uri => html`<dd><code class="copy">${uri}</code></dd>`,
  )}
${
  first?.backchannelLogoutUri &&
  html`<dt>Told of logouts</dt><dd><code class="copy">${first.backchannelLogoutUri}</code></dd>`
}
</dl>
<p class="note">Others are registered by <code>--app-url</code>, <code>--redirect-uri</code>,
<code>--launch-url</code> and <code>--jwks-url</code>: <code>npm run sandbox -- --help</code>.</p></div>`
}

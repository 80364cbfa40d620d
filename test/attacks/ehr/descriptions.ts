// EHRs that describe themselves or their keys wrongly, each in one way: the rows L6 to L20, and I10. Every one is a registration
// of its own, because a target remembers what it was told.

import { type Answer, type Document, drip, pour, redirect, text } from './answer.ts'

/** By name: what stands in place of the usual SMART configuration. */
export function listDescriptions({
  url,
  evil,
}: {
  url: string
  evil: string
}): Record<string, (usual: Document) => Answer> {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const with_ = (changes: Document) => (usual: Document) => ({ ...usual, ...changes })
  return {
    redirected: () => redirect(`${evil}/smart-configuration`, 302),
    huge: () => pour('{"a":[1,2,3]},', 'application/json'),
    deep: usual => text(JSON.stringify({ ...usual, deep: '?' }).replace('"?"', deep)),
    slow: () => drip('application/json'),
    html: () => text('<html><body>Welcome</body></html>', 'text/html'),
    list: () => text('[]'),
    polluting: usual =>
      text(
        JSON.stringify(usual).replace('{', '{"__proto__":{"token_endpoint":"x"},"constructor":1,') +
          ' ',
      ),
    numbers: with_({ token_endpoint: 5, authorization_endpoint: ['x'] }),
    'plain-http': with_({ token_endpoint: 'http://attack.example/token' }),
    moved: with_({ token_endpoint: `${evil}/token` }),
    'moved-authorization': with_({ authorization_endpoint: `${evil}/authorize` }),
    script: with_({ authorization_endpoint: 'javascript:alert(1)' }),
    data: with_({ authorization_endpoint: 'data:text/html,x' }),
    'scheme-alone': usual => ({
      ...usual,
      authorization_endpoint: `${evil.replace('//', '')}/authorize`,
      token_endpoint: `${evil.replace('//', '')}/token`,
    }),
    userinfo: usual => ({
      ...usual,
      authorization_endpoint: String(usual.authorization_endpoint).replace('://', '://user@'),
    }),
    preset: usual => ({
      ...usual,
      authorization_endpoint: `${usual.authorization_endpoint}?redirect_uri=${evil}&client_id=evil&state=evil&tenant=1`,
    }),
    unproved: with_({ code_challenge_methods_supported: ['plain'] }),
    'foreign-keys': with_({ jwks_uri: `${evil}/keys` }),
    crowd: with_({ scopes_supported: [`${url}/crowd`] }),
  }
}

/** By name: what stands in place of the usual key set; `kid` is that of the key that signs. */
export function listKeySets(evil: string): Record<string, (jwk: Document) => Answer> {
  const of = (key: (jwk: Document) => unknown) => (jwk: Document) => ({ keys: [key(jwk)] })
  return {
    'keys-endless': () => pour('{"kty":"RSA"},', 'application/json'),
    'keys-redirected': () => redirect(`${evil}/keys`, 302),
    'keys-html': () => text('<html></html>', 'text/html'),
    'keys-none': () => ({ keys: 5 }),
    'keys-secret': of(({ kid }) => ({ kty: 'oct', k: 'AAAA', kid })),
    'keys-encryption': of(jwk => ({ ...jwk, use: 'enc' })),
    'keys-broken': ({ kid }) => ({ keys: [{ kty: 'RSA', kid, n: 'x', e: 'AQAB' }, null, 5] }),
  }
}

// What an existing app may ask for, and where it is answered: at its own addresses, or nowhere.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '../../src/errors.ts'
import { buildCodeUrl, buildErrorUrl, readAppRequest } from '../../src/facade/authorization.ts'
import { buildLaunchLanding, readSessionName, writeSessionName } from '../../src/facade/client.ts'

const facadeUrl = 'https://app.example/smart/general'
const client = {
  clientId: 'existing-app',
  launchUrl: 'https://app.example/app/launch.html',
  redirectUris: ['https://app.example/app/', 'https://app.example/app/index.html?kept=1'],
  pkceOptional: false,
}
const asked = {
  ...{ response_type: 'code', client_id: client.clientId, aud: facadeUrl, state: 'of the app' },
  ...{ redirect_uri: 'https://app.example/app/', code_challenge: 'c'.repeat(43) },
  code_challenge_method: 'S256',
}

function read(changes: Record<string, string | undefined> = {}, of = client) {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...asked, ...changes })) {
    if (value !== undefined) query.append(name, value)
  }
  return readAppRequest(String(query), of, facadeUrl)
}

const without = { code_challenge: undefined, code_challenge_method: undefined }

test('[FA1] a sound request is read with all that its answer needs', () => {
  const launch = 'l'.repeat(43)
  assert.deepEqual(read({ launch, nonce: 'n', aud: `${facadeUrl}/`, scope: 'openid' }), {
    ...{ clientId: 'existing-app', redirectUri: 'https://app.example/app/', state: 'of the app' },
    ...{ challenge: 'c'.repeat(43), nonce: 'n', launch, contexts: [] },
  })
})

test('[FA2] a challenge may be left out by an app that is known to be old, and then it is plainly left out', () => {
  const old = { ...client, pkceOptional: true }
  assert.ok('redirectTo' in read(without))
  assert.ok(!('redirectTo' in read(without, old)))
  for (const weak of [
    { code_challenge_method: 'plain' },
    { code_challenge_method: undefined },
    { code_challenge: undefined },
    { ...without, code_challenge_method: 'plain' },
    { code_challenge: 'short' },
    { code_challenge: '' },
  ]) {
    assert.ok('redirectTo' in read(weak, old), JSON.stringify(weak))
    assert.ok('redirectTo' in read(weak), JSON.stringify(weak))
  }
})

test('[FA2] each part of a request is judged, and a fault of the app is told to the app', () => {
  const long = 'n'.repeat(2049)
  for (const [changes, error] of [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: undefined }, 'unsupported_response_type'],
    [{ aud: undefined }, 'invalid_request'],
    [{ aud: 'https://ehr.example/fhir' }, 'invalid_request'],
    [{ aud: `${facadeUrl}//` }, 'invalid_request'],
    [{ nonce: '' }, 'invalid_request'],
    [{ nonce: 'a\u0000b' }, 'invalid_request'],
    [{ nonce: long }, 'invalid_request'],
    [{ launch: 'x' }, 'invalid_request'],
    [{ launch: `../${'l'.repeat(40)}` }, 'invalid_request'],
  ] as const) {
    const found = read(changes)
    assert.ok('redirectTo' in found, JSON.stringify(changes))
    const { searchParams } = new URL(found.redirectTo)
    assert.deepEqual([searchParams.get('error'), searchParams.get('state')], [error, asked.state])
  }
  for (const state of ['', 'a\u0000b', long]) {
    const found = read({ state })
    assert.ok('redirectTo' in found && !new URL(found.redirectTo).searchParams.has('state'), state)
  }
  const twice = `${new URLSearchParams(asked)}&aud=${encodeURIComponent(facadeUrl)}`
  assert.ok('redirectTo' in readAppRequest(twice, client, facadeUrl))
  // What means nothing here may come as often as it likes (RFC 6749 3.1).
  const foreign = `${new URLSearchParams(asked)}&x=1&x=2`
  assert.ok(!('redirectTo' in readAppRequest(foreign, client, facadeUrl)))
})

test('[FA2] another app, or an address that is not registered, is answered nowhere', () => {
  for (const changes of [
    { client_id: 'another-app' },
    { client_id: undefined },
    { client_id: '' },
    { redirect_uri: undefined },
    { redirect_uri: 'https://evil.example/app/' },
    { redirect_uri: 'https://app.example/app' },
  ]) {
    assert.throws(() => read(changes), { code: 'facade_client_invalid' })
  }
})

test('[FA1, FA2] an app at the root may say its bare origin, and gets its answer there', () => {
  const atRoot = { ...client, redirectUris: ['https://app.example/', 'https://app.example/a/'] }
  const found = read({ redirect_uri: 'https://app.example' }, atRoot)
  assert.ok(!('redirectTo' in found))
  // The token request has to say it in the same way.
  assert.equal(found.redirectUri, 'https://app.example')
  assert.equal(buildCodeUrl({ ...found, state: 's' }, 'c'), 'https://app.example/?code=c&state=s')
  for (const redirect_uri of [
    ...['https://app.example//', 'https://app.example/a', 'https://app.example?', 'https://'],
    ...['https://app.example\\', 'https://app.example:443', 'HTTPS://app.example', 'app.example'],
  ]) {
    assert.throws(() => read({ redirect_uri }, atRoot), { code: 'facade_client_invalid' })
  }
  const bare = { redirect_uri: 'https://app.example' }
  assert.throws(() => read(bare), { code: 'facade_client_invalid' })
})

test('[FA2] whatever is asked, no answer goes anywhere but to a registered address, spelled as registered', () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
    fc.constantFrom(...Object.values(asked)),
  )
  const members = fc.dictionary(
    fc.constantFrom(...Object.keys(asked), 'launch', 'nonce', 'scope', 'x'),
    fc.option(odd, { nil: undefined }),
  )
  fc.assert(
    fc.property(members, fc.string(), (changes, tail) => {
      let found: ReturnType<typeof read>
      try {
        found = readAppRequest(
          `${new URLSearchParams({ ...asked, ...changes } as Record<string, string>)}&${tail}`,
          client,
          facadeUrl,
        )
      } catch (error) {
        assert.ok(error instanceof BrokerError)
        assert.equal(error.code, 'facade_client_invalid')
        return
      }
      const target = 'redirectTo' in found ? found.redirectTo : buildCodeUrl(found, 'code')
      const { origin, pathname } = new URL(target)
      assert.ok(['/app/', '/app/index.html'].includes(pathname) && origin === 'https://app.example')
    }),
    { numRuns: 2_000 },
  )
})

test('[FA2] an app that is refused is told what for, in words of ours and by a code that OAuth has', () => {
  const told = (changes: Record<string, string | undefined>) => {
    const found = read(changes)
    assert.ok('redirectTo' in found, JSON.stringify(changes))
    const { searchParams } = new URL(found.redirectTo)
    return [found.reason, searchParams.get('error'), searchParams.get('error_description')]
  }
  const reasons = [
    told({ state: 'x'.repeat(3000) }),
    told({ response_type: 'token' }),
    told({ aud: 'https://ehr.example' }),
    told(without),
    told({ nonce: 'x'.repeat(3000) }),
    told({ launch: 'of the EHR' }),
  ]
  assert.deepEqual(
    reasons.map(([reason, error]) => [reason, error]),
    [
      ['state', 'invalid_request'],
      ['response_type', 'unsupported_response_type'],
      ['aud', 'invalid_request'],
      ['code_challenge', 'invalid_request'],
      ['nonce', 'invalid_request'],
      ['launch', 'invalid_request'],
    ],
  )
  assert.equal(new Set(reasons.map(([, , words]) => words)).size, reasons.length)
  assert.match(
    buildErrorUrl({ redirectUri: 'https://app.example/' }, 'other', '-'),
    /=server_error&/,
  )
})

test('[FA2] an answer replaces what an address has of its kind, and keeps the rest', () => {
  const redirectUri = 'https://app.example/app/?kept=1&code=forged&state=forged'
  assert.equal(
    buildCodeUrl({ redirectUri, state: 'a b&c' }, 'real'),
    'https://app.example/app/?kept=1&code=real&state=a+b%26c',
  )
  assert.equal(
    buildErrorUrl({ redirectUri: 'https://app.example/app/' }, 'access_denied', 'You said no.'),
    'https://app.example/app/?error=access_denied&error_description=You+said+no.',
  )
  assert.equal(
    buildLaunchLanding('https://app.example/l.html?x=1&launch=old', facadeUrl, 'new'),
    'https://app.example/l.html?x=1&launch=new&iss=https%3A%2F%2Fapp.example%2Fsmart%2Fgeneral',
  )
})

test('[FA3] a session is named by a bearer of its own shape alone', () => {
  const name = 'n'.repeat(22)
  assert.equal(readSessionName(`Bearer ${name}`), name)
  assert.equal(readSessionName(`bearer ${name}`), name)
  assert.equal(readSessionName(`Bearer ${writeSessionName(name, true)}`), name)
  for (const odd of [
    `Bearer ${writeSessionName(name, true)}n`,
    `Bearer ${writeSessionName('', true)}`,
    `Bearer ${writeSessionName(writeSessionName(name, true), true)}`,
    `Bearer eyJhbGciOiJub25lIn0.e30x.${name}`,
    `Bearer .${name}`,
    undefined,
    '',
    name,
    `Basic ${name}`,
    `Bearer  ${name}`,
    `Bearer ${name}n`,
    `Bearer ${name}, Bearer ${name}`,
    `Bearer ../${name.slice(3)}`,
  ]) {
    assert.throws(() => readSessionName(odd), { code: 'session_invalid' }, odd)
  }
})

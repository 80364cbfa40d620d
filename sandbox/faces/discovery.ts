// Faults of `.well-known/smart-configuration`, and other ways to say the same.

import { gzipSync } from 'node:zlib'
import { isVersion1, parseResourceScope } from '../authorization/scopes.ts'
import { json, redirect, text } from '../http/answer.ts'
import {
  cutOff,
  dripping,
  fhirJson,
  huge,
  late,
  notThere,
  oauthError,
  pageForPeople,
} from './answers.ts'
import type { Document, Face } from './face.ts'

const SLOW_MS = 30_000

/** A face whose SMART configuration differs by members; undefined takes one out. */
function differing(name: string, about: string, members: Document): Face {
  return { name, about, smartConfiguration: document => json({ ...document, ...members }) }
}

const shapes: readonly Face[] = [
  differing('no-issuer', 'No issuer, no keys: OpenID discovery is needed.', {
    issuer: undefined,
    jwks_uri: undefined,
  }),
  differing('no-s256', 'Only plain PKCE.', { code_challenge_methods_supported: ['plain'] }),
  differing('no-pkce-list', 'PKCE is not mentioned, and demanded all the same.', {
    code_challenge_methods_supported: undefined,
  }),
  differing('no-capabilities', 'No capabilities.', { capabilities: undefined }),
  differing('no-token-endpoint', 'No token endpoint.', { token_endpoint: undefined }),
  differing('no-authorization-endpoint', 'No authorization endpoint.', {
    authorization_endpoint: undefined,
  }),
  differing('evil-token-endpoint', 'A token endpoint on another origin.', {
    token_endpoint: 'https://evil.example/oauth/token',
  }),
  differing('evil-authorization-endpoint', 'An authorization endpoint on another origin.', {
    authorization_endpoint: 'https://evil.example/oauth/authorize',
  }),
  differing('evil-keys', 'Keys on another origin.', {
    jwks_uri: 'https://evil.example/oauth/jwks',
  }),
  differing('issuer-mismatch', "Another authorization server's name as its issuer.", {
    issuer: 'https://honest.example',
  }),
  differing('rs384-only', 'Client assertions in RS384 alone.', {
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS384'],
  }),
  differing('es384-only', 'Client assertions in ES384 alone.', {
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['ES384'],
  }),
  differing('no-authorize-post', 'Authorization by GET alone.', {
    capabilities: ['launch-ehr', 'launch-standalone', 'permission-v2'],
  }),
  {
    name: 'par',
    about: 'Pushed authorization requests are offered.',
    smartConfiguration: (document, { site }) =>
      json({ ...document, pushed_authorization_request_endpoint: site.endpoints.push }),
  },
  {
    name: 'relative-endpoints',
    about: 'Endpoints relative to the FHIR base.',
    smartConfiguration: document =>
      json({
        ...document,
        authorization_endpoint: '../oauth/authorize',
        token_endpoint: '/faces/relative-endpoints/oauth/token',
      }),
  },
  {
    name: 'authorization-query',
    about: 'An authorization endpoint that has a query already.',
    smartConfiguration: (document, { site }) =>
      json({ ...document, authorization_endpoint: `${site.endpoints.authorize}?tenant=a%20b` }),
  },
  {
    name: 'associated-endpoints',
    about: 'Other FHIR bases under the same authorization.',
    smartConfiguration: (document, { site }) =>
      json({
        ...document,
        associated_endpoints: [{ url: `${site.origin}/r4`, capabilities: ['smart-app-state'] }],
      }),
  },
]

const servers: readonly Face[] = [
  {
    name: 'v1-scopes',
    about: 'Scopes of SMART v1 alone; others are refused.',
    acceptsScope: isVersion1,
    smartConfiguration: document =>
      json({ ...document, capabilities: ['launch-ehr', 'launch-standalone', 'permission-v1'] }),
  },
  {
    name: 'no-launch-scope',
    about: 'Scopes that begin with launch are refused.',
    acceptsScope: scope => parseResourceScope(scope) !== undefined || !scope.startsWith('launch'),
  },
  { name: 'no-aud', about: 'Requests that carry aud are refused.', refusesAudience: true },
]

const faults: readonly Face[] = [
  {
    name: 'soft-404',
    about: 'A page with status 200 for every unknown path, the SMART configuration too.',
    smartConfiguration: () => pageForPeople(),
  },
  {
    name: 'well-known-401',
    about: 'The SMART configuration wants a token; metadata does not.',
    smartConfiguration: () => oauthError(401, 'invalid_token'),
  },
  {
    name: 'well-known-outcome',
    about: 'An OperationOutcome with status 200.',
    smartConfiguration: () => ({ ...notThere(), status: 200 }),
  },
  {
    name: 'redirecting',
    about: 'The SMART configuration redirects to another one.',
    smartConfiguration: (_document, { site }) =>
      redirect(`${site.origin}/r4/.well-known/smart-configuration`),
  },
  {
    name: 'truncated',
    about: 'The SMART configuration breaks off.',
    smartConfiguration: document => cutOff(json(document)),
  },
  {
    name: 'broken-json',
    about: 'The SMART configuration is no JSON although it says so.',
    smartConfiguration: () => text('{"issuer":', { type: 'application/json' }),
  },
  {
    name: 'huge',
    about: 'No SMART configuration, and 30 MB of metadata.',
    smartConfiguration: notThere,
    metadata: document => huge(document, 30, 'application/fhir+json'),
  },
  {
    name: 'huge-well-known',
    about: 'A SMART configuration of 30 MB.',
    smartConfiguration: document => huge(document, 30),
  },
  {
    name: 'slow',
    about: 'Discovery takes half a minute.',
    smartConfiguration: document => late(json(document), SLOW_MS),
    metadata: document => late(fhirJson(document), SLOW_MS),
  },
  {
    name: 'dripping',
    about: 'The SMART configuration comes byte by byte.',
    smartConfiguration: document => dripping(document, 100),
  },
  {
    name: 'gzip-unasked',
    about: 'The SMART configuration is compressed unasked.',
    smartConfiguration: document => ({
      status: 200,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync(JSON.stringify(document)),
    }),
  },
  {
    name: 'discovery-503',
    about: 'Discovery is down for maintenance.',
    smartConfiguration: () => pageForPeople(503),
    metadata: () => pageForPeople(503),
  },
  {
    name: 'discovery-429',
    about: 'Discovery was asked too often.',
    smartConfiguration: () => oauthError(429, 'slow_down'),
    metadata: () => oauthError(429, 'slow_down'),
  },
  {
    name: 'nothing',
    about: 'No SMART configuration, no metadata.',
    smartConfiguration: notThere,
    metadata: notThere,
  },
  {
    name: 'openid-issuer',
    about: 'An OpenID configuration of another issuer.',
    smartConfiguration: document => json({ ...document, issuer: undefined, jwks_uri: undefined }),
    openidConfiguration: document => json({ ...document, issuer: 'https://honest.example' }),
  },
]

export const discoveryFaces: readonly Face[] = [...shapes, ...servers, ...faults]

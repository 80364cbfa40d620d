// Readers of what EHRs say of themselves and of tokens.

import assert from 'node:assert/strict'
import { parseCapabilityStatement } from '../../../src/smart/discovery/capability-statement.ts'
import { applyOpenidConfiguration } from '../../../src/smart/discovery/openid-configuration.ts'
import { parseSmartConfiguration } from '../../../src/smart/discovery/smart-configuration.ts'
import { parseJsonObject } from '../../../src/smart/json.ts'
import { strictQuirks } from '../../../src/smart/quirks.ts'
import { parseTokenResponse } from '../../../src/smart/token/token-response.ts'
import { base } from '../../proxy/judging.ts'
import { outcomeOf, type Reader } from '../reader.ts'
import { jsonScraps as json } from './json-scraps.ts'

const pins = {
  ...{
    id: 'general',
    iss: base,
    origins: ['https://ehr.example.org'],
    issuers: ['https://ehr.example.org'],
  },
  ...{ scope: 'openid', idToken: 'verify' as const },
}
const described = {
  ...{
    issuer: 'https://ehr.example.org',
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
  },
  ...{
    jwks_uri: `${base}/keys`,
    code_challenge_methods_supported: ['S256'],
    capabilities: ['launch-ehr'],
  },
}
const statement = {
  resourceType: 'CapabilityStatement',
  rest: [
    {
      mode: 'server',
      security: {
        extension: [
          {
            url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
            extension: [
              { url: 'authorize', valueUri: `${base}/authorize` },
              { url: 'token', valueUri: `${base}/token` },
            ],
          },
        ],
      },
    },
  ],
}
const token = {
  access_token: 'a',
  token_type: 'Bearer',
  expires_in: 3600,
  scope: 'openid',
  patient: '1',
  id_token: 'a.b.c',
}
const words = [
  '"token_endpoint":',
  '"https://evil.example/x"',
  '"javascript:x"',
  '"expires_in":',
  '1e300',
  '"scope":',
  '["a"]',
  '{}',
]

export const ehrDocumentReaders: readonly Reader[] = [
  {
    name: 'JSON of an EHR',
    scraps: json,
    samples: [JSON.stringify(described), '{"a":{"b":[]}}', '\ufeff{}'],
    read(text) {
      const document = parseJsonObject(Buffer.from(text))
      if (document.kind !== 'object') return
      assert.deepEqual(
        document.object,
        JSON.parse(
          Buffer.from(text)
            .toString()
            .replace(/^\ufeff/, ''),
        ),
      )
      assert.equal(Object.getPrototypeOf(document.object), Object.prototype)
      assert.ok(!Object.hasOwn(document.object, '__proto__'))
    },
    work: text => parseJsonObject(Buffer.from(text)),
  },
  {
    name: 'descriptions of an EHR',
    scraps: [...json, ...words],
    samples: [JSON.stringify(described), JSON.stringify(statement)],
    read(text) {
      const document = parseJsonObject(Buffer.from(text))
      if (document.kind !== 'object') return
      const found = [
        outcomeOf(() => parseSmartConfiguration(document.object, pins)),
        outcomeOf(() => parseCapabilityStatement(document.object, pins)),
      ]
      for (const server of found) {
        if (!('value' in server)) continue
        for (const url of [server.value.authorizationEndpoint, server.value.tokenEndpoint]) {
          assert.equal(new URL(url).origin, 'https://ehr.example.org')
        }
        outcomeOf(() => applyOpenidConfiguration(server.value, document.object, pins))
      }
    },
  },
  {
    name: 'token answer',
    scraps: [...json, ...words],
    samples: [JSON.stringify(token), '{"error":"invalid_grant"}'],
    read(text) {
      const document = parseJsonObject(Buffer.from(text))
      for (const status of [200, 400]) {
        const read = outcomeOf(() => parseTokenResponse({ status, document }, strictQuirks))
        if (!('value' in read)) continue
        assert.match(read.value.accessToken, /^[\x21-\x7e]+$/)
        const { expiresInSeconds = 1 } = read.value as { expiresInSeconds?: number }
        assert.ok(
          Number.isFinite(expiresInSeconds) && expiresInSeconds >= 0,
          `${expiresInSeconds} s`,
        )
      }
    },
  },
]

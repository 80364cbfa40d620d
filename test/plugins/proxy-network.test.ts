import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { NetworkPolicy } from '../../src/smart/types.ts'
import { createAuthority } from '../network/certificates.ts'
import { useRig } from './proxy-rig.ts'

const authority = createAuthority()
const trusted: NetworkPolicy = { reach: 'public', ca: authority.ca }

async function serve(pair: { cert: string; key: string }): Promise<Server> {
  const server = createServer(pair, ({ headers }, response) => {
    response.setHeader('content-type', 'application/fhir+json')
    response.end(JSON.stringify({ authorized: headers.authorization === 'Bearer token-1' }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

const cases: [title: string, days: number, network: NetworkPolicy, status: number][] = [
  ['[AL-01, R20] a private authority that the registration names is trusted', 2, trusted, 200],
  ['[AL-01, R20] an authority that nobody named is not', 2, { reach: 'public' }, 502],
  ['[AL-01, R20] a certificate that has expired is not', -1, trusted, 502],
]

for (const [title, days, network, expected] of cases) {
  describe('an EHR over TLS', () => {
    const registration = { iss: 'https://127.0.0.1', network }
    let server: Server
    before(async () => {
      server = await serve(authority.issue('IP:127.0.0.1', days))
      registration.iss = `https://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`
    })
    after(() => server.close())
    const rig = useRig({ registration })

    test(title, async () => {
      const { status, text, refusal } = await rig.call('/Patient/1')
      assert.equal(status, expected, text)
      if (expected === 200) assert.equal(text, '{"authorized":true}')
      else assert.equal(refusal, 'upstream_unreachable')
    })
  })
}

describe('an EHR that is away', () => {
  const rig = useRig({ registration: { iss: 'http://127.0.0.1:1/fhir' } })

  test('is a 502 that says so, and names nothing of it', async () => {
    const { status, refusal, text } = await rig.call('/Patient/1')
    assert.equal(`${status} ${refusal}`, '502 upstream_unreachable')
    assert.ok(!/ECONNREFUSED|127\.0\.0\.1/.test(text))
  })
})

describe('an EHR whose name does not resolve', () => {
  const rig = useRig({ registration: { iss: 'https://ehr.invalid/fhir' } })

  test('[PS1] is a 502 that says so, each time anew', async () => {
    for (let i = 0; i < 3; i++) {
      const { status, refusal, text } = await rig.call('/Patient/1')
      assert.equal(`${status} ${refusal}`, '502 upstream_unreachable')
      assert.ok(!/ENOTFOUND|EAI_AGAIN|ehr\.invalid/.test(text))
    }
  })
})

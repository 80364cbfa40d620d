import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { discover as command } from '../../../program/cli/discover.ts'
import { busyFaces } from '../../../sandbox/faces/busy.ts'
import { discoveryFaces } from '../../../sandbox/faces/discovery.ts'
import { legacyFaces } from '../../../sandbox/faces/legacy.ts'
import { plainFaces } from '../../../sandbox/faces/plain.ts'
import { redirectFaces } from '../../../sandbox/faces/redirects.ts'
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts'
import type { BrokerError } from '../../../src/errors.ts'
import { createEgress } from '../../../src/network/egress.ts'
import { discover } from '../../../src/smart/discovery/discovery.ts'
import { buildRegistration } from '../registration.ts'

// What each face of the sandbox comes to: the kind of document that is used, or the refusal.
const refusals: Record<string, string> = {
  'no-s256': 'pkce_unsupported',
  'no-token-endpoint': 'bad_metadata',
  'no-authorization-endpoint': 'bad_metadata',
  'evil-token-endpoint': 'endpoint_not_pinned',
  'evil-authorization-endpoint': 'endpoint_not_pinned',
  'evil-keys': 'endpoint_not_pinned',
  'issuer-mismatch': 'bad_metadata',
  truncated: 'bad_metadata',
  'broken-json': 'bad_metadata',
  huge: 'bad_metadata',
  'huge-well-known': 'bad_metadata',
  slow: 'issuer_timeout',
  dripping: 'issuer_timeout',
  'discovery-503': 'issuer_busy',
  'discovery-503-first': 'issuer_busy',
  'smart-503': 'issuer_busy',
  'discovery-429': 'issuer_busy',
  nothing: 'no_oauth_metadata',
  'openid-issuer': 'bad_metadata',
  'ld-05': 'no_oauth_metadata',
  'ld-05-null': 'no_oauth_metadata',
  'ld-05-cors': 'no_oauth_metadata',
}
const byMetadata = [
  ...['dstu2', 'stu3', 'soft-404', 'well-known-401', 'well-known-outcome'],
  ...['moved-smart-far', 'moved-smart-loop', 'moved-smart-away', 'moved-smart-sign-in'],
  ...['moved-metadata', 'discovery-maintenance-first'],
  ...legacyFaces.map(({ name }) => name),
]
// A survey takes an operator through what a launch refuses only for want of a pin.
const usableOnceRegistered = [
  ...['evil-token-endpoint', 'evil-authorization-endpoint', 'evil-keys'],
  ...['issuer-mismatch', 'openid-issuer'],
]

const faces = [
  ...[...plainFaces, ...discoveryFaces, ...legacyFaces],
  ...[...redirectFaces, ...busyFaces],
].map(({ name }) => name)

let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: 'http://localhost:5998' })
})
after(() => sandbox.close())

async function resultOf(face: string): Promise<string> {
  const registration = buildRegistration({ iss: sandbox.base(face) })
  const egress = createEgress(registration)
  try {
    return (await discover(registration, { fetch: egress.fetch, now: Date.now })).server.source
  } catch (error) {
    return (error as BrokerError).code
  } finally {
    await egress.close()
  }
}

function expectedOf(face: string): string {
  return refusals[face] ?? (byMetadata.includes(face) ? 'metadata' : 'smart-configuration')
}

/** A few at a time, so that no face waits for the others longer than an EHR may take. */
async function visit(names: readonly string[], look: (face: string) => Promise<void>) {
  const left = names.values()
  const inTurn = async () => {
    for (const face of left) await look(face)
  }
  await Promise.all(Array.from({ length: 8 }, inTurn))
}

test('[LD-06, F7, L17, Q32, Q35] comes to the right end at every face of the sandbox', async () => {
  const results: Record<string, string> = {}
  await visit(faces, async face => {
    results[face] = await resultOf(face)
  })
  assert.deepEqual(results, Object.fromEntries(faces.map(face => [face, expectedOf(face)])))
})

test('tells the truth about every face by `fhirstorm discover`', async () => {
  // What is away at one visit alone has been there or not, depending on who came before.
  await visit(
    faces.filter(face => !/-(?:first|second)$/.test(face)),
    async face => {
      const written: string[] = []
      const io = { out: (text: string) => written.push(text), error: assert.fail }
      const status = await command([sandbox.base(face)], io)
      const out = written.join('')
      const foreign = usableOnceRegistered.includes(face)
      const expected = foreign ? 'smart-configuration' : expectedOf(face)
      const usable = !Object.values(refusals).includes(expected)
      const outcome = usable ? `described by {5}${expected}\n` : `Not usable\n {2}${expected}:`
      assert.equal(status, usable ? 0 : 1, `${face}\n${out}`)
      assert.match(out, RegExp(outcome))
      assert.equal(/example is not the FHIR base's host: make sure/.test(out), foreign, out)
      assert.doesNotMatch(out, /decoy/)
    },
  )
})

test('[Q32, Q48] what an EHR does with its documents otherwise than most is told to the operator', async () => {
  const out = async (face: string) => {
    const written: string[] = []
    await command([sandbox.base(face)], { out: text => written.push(text), error: assert.fail })
    return written.join('')
  }
  assert.match(await out('moved-smart'), /smart-configuration is redirected to http:/)
  assert.match(await out('gzip-protocol'), /smart-configuration comes as gzip, though nobody asked/)
  assert.match(
    await out('moved-smart-away'),
    /could not be read \(redirected to https:\/\/evil.example/,
  )
  assert.match(await out('soft-404'), /could not be read \(status 200, no JSON\): metadata is used/)
})

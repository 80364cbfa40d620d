// `fhirstorm check` as an operator runs it: what to register at each EHR, and the same judgement as
// `fhirstorm start`.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fhirstorm-check-'))
  const { privateKey } = await generateKeyPair('ES384', { extractable: true })
  const clientKeys = [{ ...(await exportJWK(privateKey)), kid: 'one', alg: 'ES384', use: 'sig' }]
  const ring = printKeyRing({ ...makeKeyRing(0, randomBytes), clientKeys })
  await writeFile(join(folder, 'keys.json'), ring, { mode: 0o600 })
})
after(() => rm(folder, { recursive: true }))

async function run(command: string, text: string, ...args: string[]) {
  await writeFile(join(folder, 'fhirstorm.yaml'), text, { mode: 0o600 })
  const program = join(import.meta.dirname, '../../../bin/fhirstorm.js')
  return await new Promise<{ status: number; out: string; error: string }>(done => {
    execFile(process.execPath, [program, command, ...args], { cwd: folder }, (failed, out, error) =>
      done({ status: failed ? Number(failed.code) : 0, out, error }),
    )
  })
}

const ehr = (id: string, iss: string, ...further: string[]) =>
  [
    `  - id: ${id}`,
    `    name: ${id}`,
    `    iss: ${iss}`,
    '    clientId: app',
    '    scope: launch openid fhirUser patient/*.rs',
    ...further,
  ].join('\n')
const secret = '    clientAuth: { method: client_secret_basic, secret: a long and random secret }'
const keyed = '    clientAuth: { method: private_key_jwt }'
const head = `publicUrl: https://app.example.org/bff
keysFile: keys.json
sessions: { postLogoutUrl: 'https://app.example.org/bye' }
ehrs:
`

test('[AL-14] check names what to register at each EHR, in words and as JSON', async () => {
  const text =
    head +
    [
      ehr('portal', 'https://one.example.org/fhir', secret),
      ehr('clinic', 'https://one.example.org/fhir/', keyed),
      ehr('other', 'https://two.example.org/fhir', secret),
    ].join('\n')
  const told = await run('check', text)
  assert.equal(told.status, 0, told.error)
  const own = 'https://app.example.org/bff'
  for (const [id, rows] of [
    ['portal', [`redirect URI +${own}/redirect/portal`, `launch URL +${own}/launch/portal`]],
    ['clinic', [`redirect URI +${own}/redirect/clinic`, `launch URL +${own}/launch/clinic`]],
    ['other', [`redirect URI +${own}/redirect/other`, `launch URL +${own}/launch\n`]],
  ] as const) {
    const part = told.out.slice(told.out.indexOf(`${id}  `))
    for (const row of rows) assert.match(part, new RegExp(row))
  }
  assert.match(told.out, /clinic.*\n(.*\n)*.*key set \(JWKS\) +https:\S+\/\.well-known\/jwks\.json/)
  assert.equal(told.out.match(/back-channel logout +\S+\/backchannel-logout/g)?.length, 3)
  const { ehrs } = JSON.parse((await run('check', text, '--json')).out)
  assert.deepEqual(ehrs[1].register, {
    redirectUri: `${own}/redirect/clinic`,
    launchUrl: `${own}/launch/clinic`,
    jwksUri: `${own}/.well-known/jwks.json`,
    backchannelLogoutUri: `${own}/backchannel-logout`,
    postLogoutRedirectUri: 'https://app.example.org/bye',
  })
})

test('[C2] check and start refuse a redirect URI that is open to mix-up, naming the line', async () => {
  const plain = '    redirectPath: /redirect'
  const text =
    head +
    [
      ehr('one', 'https://one.example.org/fhir', secret, plain),
      ehr('two', 'https://two.example.org/fhir', secret, plain),
    ].join('\n')
  for (const command of ['check', 'start']) {
    const { status, error } = await run(command, text)
    assert.equal(status, 2, command)
    assert.match(
      error,
      /fhirstorm\.yaml:11:19: ehrs\[0\]\.redirectPath: shares its redirect URI with two, .*\n/,
    )
    assert.match(
      error,
      /fhirstorm\.yaml:18:19: ehrs\[1\]\.redirectPath: shares its redirect URI with one, .*\n/,
    )
  }
})

// Whatever a reload takes besides the EHRs' plain settings: keys, certificates, trusted proxies, the log, a port of
// its own. Each is seen from outside, before and after.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { JWK } from 'jose'
import { makeClientKey } from '../../program/cli/keys.ts'
import { late } from '../../sandbox/faces/answers.ts'
import { json } from '../../sandbox/http/answer.ts'
import { addKey, promoteKeys, retireKeys } from '../../src/key-rotation.ts'
import { makeKeyRing, printKeyRing } from '../../src/keys.ts'
import { buildPublicKeySet, parseClientKeys } from '../../src/smart/token/client-keys.ts'
import { logIn } from '../flow/login.ts'
import { createAuthority } from '../network/certificates.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { until } from '../world/eventually.ts'
import { findPort } from '../world/port.ts'
import { type Reloading, type ReloadingOptions, startReloading } from './reloading.ts'

async function start(t: TestContext, options: ReloadingOptions = {}): Promise<Reloading> {
  const service = await startReloading(options)
  t.after(() => service.close())
  return service
}

async function reload(service: Reloading): Promise<void> {
  const { status, text } = await service.reload()
  assert.equal(status, 200, text)
}

test('[RL1] another client key: published and signed with from the reload on, and sessions are renewed with it', async t => {
  const service = await start(t, {
    configure(document, { folder }) {
      document.ehrs[0].clientId = 'sandbox-keys'
      document.ehrs[0].clientAuth = { method: 'private_key_jwt', keyFile: join(folder, 'jwk') }
    },
    prepare: async folder => {
      const jwk = JSON.stringify(await makeClientKey('ES384'))
      writeFileSync(join(folder, 'jwk'), jwk, { mode: 0o600 })
    },
  })
  const published = async () => {
    const { text } = await createBrowser().fetch(`${service.app}/.well-known/jwks.json`)
    return (JSON.parse(text) as { keys: { kid: string; alg: string }[] }).keys
  }
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(service, browser, 'amy-shaw')
  const [first] = await published()
  const next = JSON.stringify(await makeClientKey('RS384'))
  const keys = buildPublicKeySet(await parseClientKeys(next)).keys as unknown as JWK[]
  // The EHR knows the new key alone.
  const redirectUris = [`${service.app}/redirect/general`]
  await service.sandbox.register({
    ...{ clientId: 'sandbox-keys', method: 'private_key_jwt', jwks: { keys }, redirectUris },
  })
  await assert.rejects(logIn(service, createBrowser(), 'ben-ortega'), /client_auth_failed/)
  service.write('jwk', next)
  await reload(service)
  const [second, ...none] = await published()
  assert.deepEqual([second?.alg, none], ['RS384', []])
  assert.notEqual(second?.kid, first?.kid)
  await logIn(service, createBrowser(), 'ben-ortega')
  service.sandbox.expireAccessTokens()
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
})

test('[RL1] another CA, and another certificate of ours: an EHR that could not be reached can be, and the reverse', async t => {
  const [authority, other] = [createAuthority(), createAuthority('Another CA')]
  const ours = authority.issue('DNS:app.example.org')
  const service = await start(t, {
    sandbox: {
      tls: {
        ...authority.issue('DNS:localhost,IP:127.0.0.1'),
        ...{ ca: authority.ca, requestCert: true, rejectUnauthorized: true },
      },
    },
    configure(document, { folder }) {
      const [ehr] = document.ehrs
      Object.assign(ehr, { network: 'private', caFile: join(folder, 'ca') })
      ehr.clientCertificate = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') }
    },
    prepare: async folder => {
      writeFileSync(join(folder, 'ca'), other.ca, { mode: 0o600 })
      for (const part of ['cert', 'key'] as const) {
        writeFileSync(join(folder, part), ours[part], { mode: 0o600 })
      }
    },
  })
  const begin = async () =>
    (await createBrowser().navigate(`${service.app}/login?ehr=general`, () => true)).status
  assert.equal(await begin(), 502)
  service.write('ca', authority.ca)
  await reload(service)
  assert.equal(await begin(), 302)
  const strange = other.issue('DNS:app.example.org')
  service.write('cert', strange.cert)
  const mismatched = await service.reload()
  assert.equal(mismatched.status, 422)
  assert.match(mismatched.text, /the certificates or the key cannot be used/)
  service.write('key', strange.key)
  await reload(service)
  assert.equal(await begin(), 502)
})

test('[RL1] a key is added, promoted, and the old one retired, by reloads alone: sessions live on, and new ones are sealed anew', async t => {
  const ring = makeKeyRing(Date.now(), randomBytes)
  const service = await start(t, {
    prepare: async folder =>
      writeFileSync(join(folder, 'keys.json'), printKeyRing(ring), { mode: 0o600 }),
  })
  const sessions: { browser: Browser; fhirBaseUrl: string }[] = []
  const begin = async () => {
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(service, browser, 'amy-shaw')
    sessions.push({ browser, fhirBaseUrl })
  }
  const statuses = () =>
    Promise.all(
      sessions.map(async ({ browser, fhirBaseUrl }) => {
        return (await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status
      }),
    )
  await begin()
  const added = addKey(ring, Date.now(), randomBytes)
  const promoted = promoteKeys(added, Date.now())
  for (const next of [added, promoted]) {
    service.write('keys.json', printKeyRing(next))
    await reload(service)
    assert.deepEqual(
      await statuses(),
      sessions.map(() => 200),
    )
    await begin()
  }
  // Without the first key, what it sealed is nobody's; what the second one sealed stays.
  const retired = retireKeys(promoted, { now: Date.now() + 1_000, keepMs: 1 })
  service.write('keys.json', printKeyRing(retired))
  await reload(service)
  assert.deepEqual(await statuses(), [401, 401, 200])
  // A ring that has nothing in common with the last one is refused.
  service.write('keys.json', printKeyRing(makeKeyRing(Date.now(), randomBytes)))
  assert.equal((await service.reload()).status, 422)
  assert.deepEqual(await statuses(), [401, 401, 200])
})

test('[RL1] trusted proxies and the log level: whom the log names as caller, and what is in it at all', async t => {
  const service = await start(t)
  const ended = async () => {
    const browser = createBrowser()
    const { id } = await logIn(service, browser, 'amy-shaw')
    await browser.fetch(`${service.app}/sessions/${id}`, {
      ...{ method: 'DELETE', headers: { 'x-forwarded-for': '203.0.113.9' } },
    })
  }
  const has = (text: string) => service.output().includes(text)
  await ended()
  await until(() => has('"caller":"127.0.0.1"') || has('"caller":"::/64"'))
  assert.ok(!has('203.0.113.9'))
  service.change(document => {
    document.trustedProxies = ['127.0.0.1', '::1']
  })
  await reload(service)
  await ended()
  await until(() => has('"caller":"203.0.113.9"'))
  service.change(document => {
    document.log.level = 'error'
  })
  await reload(service)
  await ended()
  service.change(document => {
    document.log.level = 'info'
  })
  const quiet = service.output().length
  await reload(service)
  await until(() => service.output().slice(quiet).includes('"reloaded"'))
  assert.ok(!service.output().slice(quiet).split('"reloaded"')[0]?.includes('"caller"'))
})

test('[RL1] the admin listener moves to another port: the answer to the reload that moves it arrives', async t => {
  const service = await start(t)
  const moved = await findPort()
  service.change(document => {
    document.admin.port = moved
  })
  await reload(service)
  assert.equal((await service.reload(moved)).status, 200)
  await assert.rejects(service.reload())
  service.change(document => {
    document.admin = false
  })
  assert.equal((await service.reload(moved)).status, 200)
  await assert.rejects(service.reload(moved))
  assert.deepEqual((await service.names()).length, 2)
})

test('[RL1, DS8] SIGTERM right after a reload: an answer of the generation before comes to its end', async t => {
  let asked = 0
  const face = {
    name: 'late',
    about: 'Every answer of FHIR takes two seconds.',
    async fhir(answer: () => Promise<ReturnType<typeof json>>) {
      asked++
      return late(await answer(), 2_000)
    },
  }
  const service = await start(t, {
    sandbox: { faces: [face], ehrIds: ehrIdsWith('late') },
    configure: (document, { sandbox }) => registerFaces(document, sandbox, ['late']),
  })
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(service, browser, 'amy-shaw', 'ehr=late')
  const reading = browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  await until(() => asked === 1)
  await reload(service)
  const [answer, status] = await Promise.all([reading, service.broker.stop()])
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json<{ id: string }>().id, 'amy-shaw')
  assert.equal(status, 0)
})

test('[RL1, L15] an EHR whose descriptions are away just then: its sessions are renewed, and users log in', async t => {
  let isAway = false
  let asked = 0
  const describe = (document: Record<string, unknown>) => {
    if (isAway) asked++
    return isAway ? json({}, { status: 503 }) : json(document)
  }
  const away = {
    name: 'silent-of-itself',
    about: 'Its descriptions are away where a test says so.',
    ...{ smartConfiguration: describe, metadata: describe },
  }
  const service = await start(t, {
    sandbox: { faces: [away], ehrIds: ehrIdsWith('silent-of-itself') },
    configure: (document, { sandbox }) => registerFaces(document, sandbox, ['silent-of-itself']),
  })
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(service, browser, 'amy-shaw', 'ehr=silent-of-itself')
  isAway = true
  for (let i = 0; i < 2; i++) {
    service.sandbox.expireAccessTokens()
    const answer = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
    assert.equal(answer.status, 200, answer.text)
    await reload(service)
  }
  await logIn(service, createBrowser(), 'ben-ortega', 'ehr=silent-of-itself')
  // It is asked anew all the same, behind what uses the answer of before.
  assert.ok(asked > 0)
})

test('[RL1, DS13] tokens of a logout that the EHR does not take back at once are given back after a reload, too', async t => {
  let tries = 0
  const face = {
    name: 'busy-with-logouts',
    about: 'No revocation is answered.',
    connection({ path }: { path: string }) {
      if (!path.endsWith('/revoke')) return undefined
      tries++
      return { interim: new Array<100>(50).fill(100) }
    },
  }
  const service = await start(t, {
    sandbox: { faces: [face], ehrIds: ehrIdsWith(face.name) },
    configure: (document, { sandbox }) => registerFaces(document, sandbox, [face.name]),
  })
  const browser = createBrowser()
  const { id } = await logIn(service, browser, 'amy-shaw', `ehr=${face.name}`)
  const left = await browser.fetch(`${service.app}/sessions/${id}`, { method: 'DELETE' })
  assert.equal(left.status, 200)
  await until(() => tries > 0)
  await reload(service)
  // By then whoever gives up with the reload has given up.
  await until(() => service.output().includes('could not be revoked') || tries >= 3 * 2)
  assert.doesNotMatch(service.output(), /not be revoked/)
})

test('[RL1, LM1] limits: of connections for those that come, of requests for everybody', async t => {
  const service = await start(t)
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(service, browser, 'amy-shaw')
  const statuses = async () => {
    const path = `${fhirBaseUrl}/Patient/amy-shaw`
    const answers = await Promise.all(Array.from({ length: 8 }, () => browser.fetch(path)))
    return new Set(answers.map(({ status }) => status))
  }
  assert.deepEqual([...(await statuses())], [200])
  service.change(document => {
    document.limits = { requestsPerSecond: { user: 1 } }
  })
  await reload(service)
  assert.ok((await statuses()).has(429))
  service.change(document => {
    document.limits = { inFlight: { user: 9_000 } }
  })
  const refused = await service.reload()
  assert.equal(refused.status, 422)
  assert.match(refused.text, /limits\.inFlight\.user/)

  service.change(document => {
    document.limits = { connections: { perAddress: 1 } }
  })
  await reload(service)
  const { port } = new URL(service.app)
  const held = connect(Number(port), '127.0.0.1')
  t.after(() => held.destroy())
  const dropped = connect(Number(port), '127.0.0.1')
  await new Promise(resolve => dropped.on('error', () => {}).on('close', resolve))
})

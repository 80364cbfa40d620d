// Secrets that rotate as files while the service watches them: links that are swapped under a mounted volume
// (Kubernetes), files that an agent moves into place one after the other (Vault), credentials in a folder that
// is replaced (systemd).

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import * as https from 'node:https'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { tutorialClient } from '../../sandbox/authorization/clients.ts'
import { addKey, promoteKeys } from '../../src/key-rotation.ts'
import { makeKeyRing, printKeyRing } from '../../src/keys.ts'
import { logIn } from '../flow/login.ts'
import { createAuthority } from '../network/certificates.ts'
import { createBrowser } from '../world/browser.ts'
import { until } from '../world/eventually.ts'
import { type Reloading, type ReloadingOptions, startReloading } from './reloading.ts'

const EHRS = ['general', 'second']
const { secret: oldSecret = '' } = tutorialClient('http://localhost', EHRS)
const newSecret = randomBytes(24).toString('base64url')

async function start(t: TestContext, options: ReloadingOptions): Promise<Reloading> {
  const service = await startReloading(options)
  t.after(() => service.close())
  return service
}

/** The EHR gives the client another secret; from then on the old one is refused. */
const changeSecret = ({ app, sandbox }: Reloading) =>
  sandbox.register({ ...tutorialClient(app, EHRS), secret: newSecret })

/** The status of a login, begun to end. */
async function tryLogin(service: Reloading): Promise<number> {
  const browser = createBrowser()
  const begun = await browser.navigate(`${service.app}/login?ehr=general`, () => true)
  const url = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
  const landing = await browser.navigate(url)
  return landing.url.includes('session=') ? 200 : landing.status
}

const reloads = (service: Reloading) => service.output().split('"reloaded"').length - 1
/** The files whose change the log tells, by their names. */
const told = (service: Reloading) =>
  [...service.output().matchAll(/"files":(\[[^\]]*\])/g)].map(([, files = '[]']) =>
    (JSON.parse(files) as string[]).map(path => basename(path)),
  )
const refusals = (service: Reloading) => service.output().split('not reloaded').length - 1

/** A volume as Kubernetes mounts it: each name is a link through `..data`, which one rename moves. */
function createVolume(folder: string, first: Record<string, string>) {
  let version = 0
  let before: string | undefined
  mkdirSync(folder)
  swap(first)
  for (const name of Object.keys(first)) symlinkSync(`..data/${name}`, join(folder, name))
  return { swap }

  function swap(files: Record<string, string>): void {
    const name = `..version_${++version}`
    mkdirSync(join(folder, name))
    for (const [file, text] of Object.entries(files)) {
      writeFileSync(join(folder, name, file), text)
      chmodSync(join(folder, name, file), 0o440)
    }
    symlinkSync(name, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    if (before) rmSync(join(folder, before), { recursive: true })
    before = name
  }
}

test('[RL1] a volume whose links are swapped: client secret and key ring change at once, sessions stay', async t => {
  const ring = makeKeyRing(Date.now(), randomBytes)
  let volume: ReturnType<typeof createVolume> | undefined
  const service = await start(t, {
    configure(document, { folder }) {
      const secrets = join(folder, 'secrets')
      volume = createVolume(secrets, { secret: oldSecret, ring: printKeyRing(ring) })
      document.watch = true
      document.keysFile = join(secrets, 'ring')
      const secretFile = join(secrets, 'secret')
      document.ehrs[0].clientAuth = { method: 'client_secret_basic', secretFile }
    },
  })
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(service, browser, 'amy-shaw')
  await changeSecret(service)
  assert.equal(await tryLogin(service), 503)
  const added = addKey(ring, Date.now(), randomBytes)
  volume?.swap({ secret: newSecret, ring: printKeyRing(promoteKeys(added, Date.now())) })
  await until(() => reloads(service) === 1)
  assert.equal(await tryLogin(service), 200)
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
  // The same once more: what is watched now is what the links lead to now.
  volume?.swap({ secret: oldSecret, ring: printKeyRing(added) })
  await until(() => reloads(service) === 2)
  assert.equal(await tryLogin(service), 503)
  assert.equal(refusals(service), 0)
  const both = ['ring', 'secret']
  assert.deepEqual(
    told(service).map(names => names.sort()),
    [both, both],
  )
})

test('[RL1] a certificate that an agent moves into place before its key: the pair of before serves until both are there', async t => {
  const authority = createAuthority()
  const names = 'DNS:localhost,IP:127.0.0.1'
  const [first, second] = [authority.issue(names), authority.issue(names)]
  const service = await start(t, {
    scheme: 'https',
    configure(document, { folder }) {
      for (const part of ['cert', 'key'] as const) {
        writeFileSync(join(folder, part), first[part], { mode: 0o600 })
      }
      document.listen.tls = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') }
      document.watch = true
    },
  })
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const open = await ask(service.app, agent)
  service.write('cert', second.cert)
  await until(() => refusals(service) === 1)
  assert.equal((await ask(service.app, false)).certificate, open.certificate)
  service.write('key', second.key)
  await until(() => reloads(service) === 1)
  const fresh = await ask(service.app, false)
  assert.notEqual(fresh.certificate, open.certificate)
  const kept = await ask(service.app, agent)
  assert.deepEqual(kept, open, 'an open connection stays as it is')
  assert.deepEqual(told(service), [['cert'], ['key']])
})

/** The certificate that answers, and the connection by its port. */
function ask(app: string, agent: https.Agent | false) {
  return new Promise<{ status?: number; certificate: string; port?: number }>((resolve, reject) => {
    const { hostname, port } = new URL(app)
    const options = { hostname, port, path: '/healthz', agent, rejectUnauthorized: false }
    const asked = https.get({ ...options, family: 4 }, answer => {
      const socket = answer.socket as import('node:tls').TLSSocket
      const certificate = socket.getPeerCertificate().fingerprint256
      answer.resume().on('end', () => {
        resolve({ status: answer.statusCode, certificate, port: socket.localPort })
      })
    })
    asked.on('error', reject)
  })
}

test('[RL1] credentials of a service manager, in a folder that is replaced: SIGHUP takes them', async t => {
  const place = (folder: string) => join(folder, 'credentials')
  const fill = (folder: string, secret: string) => {
    rmSync(place(folder), { recursive: true, force: true })
    mkdirSync(place(folder), { mode: 0o700 })
    writeFileSync(join(place(folder), 'client-secret'), secret, { mode: 0o400 })
  }
  const service = await start(t, {
    env: folder => ({ CREDENTIALS_DIRECTORY: place(folder) }),
    configure(document, { folder }) {
      fill(folder, oldSecret)
      const secretFile = `\${CREDENTIALS_DIRECTORY}/client-secret`
      document.ehrs[0].clientAuth = { method: 'client_secret_basic', secretFile }
    },
  })
  await changeSecret(service)
  assert.equal(await tryLogin(service), 503)
  // While the folder is being replaced there is none: refused, and nothing changes.
  rmSync(place(service.folder), { recursive: true })
  service.broker.process().kill('SIGHUP')
  await until(() => refusals(service) === 1)
  fill(service.folder, newSecret)
  service.broker.process().kill('SIGHUP')
  await until(() => reloads(service) === 1)
  assert.equal(await tryLogin(service), 200)
  assert.ok(!service.output().includes(newSecret) && !service.output().includes(oldSecret))
})

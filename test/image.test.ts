// The image's own health check, run as the image runs it: beside a product below a path, on a port of its
// own, and over TLS; with the file that the product has, and while that file is being edited.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import * as https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { stringify } from 'yaml'
import { readCommit } from '../program/commit.ts'
import { makeKeyRing, printKeyRing } from '../src/keys.ts'
import { createAuthority } from './network/certificates.ts'
import { start } from './network/listen.ts'
import { makeFolder } from './world/broker.ts'
import { removeFolder } from './world/folder.ts'
import { findPort } from './world/port.ts'
import { createWorld } from './world/world.ts'

const [, written = ''] =
  /HEALTHCHECK [\s\S]*?CMD (\[.*\])/.exec(readFileSync('Dockerfile', 'utf8')) ?? []
const [, ...args] = JSON.parse(written) as string[]

/** A folder with a configuration that listens there. */
function configure(t: TestContext, listen: object, changes: object = {}): string {
  const folder = makeFolder()
  t.after(() => removeFolder(folder))
  const write = (name: string, text: string) =>
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  write('keys.json', printKeyRing(makeKeyRing()))
  write('secret', 'a secret of some length')
  const ehr = {
    ...{ id: 'general', name: 'General', iss: 'https://ehr.example.org/fhir', clientId: 'app' },
    clientAuth: { method: 'client_secret_basic', secretFile: 'secret' },
    scope: 'launch openid fhirUser patient/Patient.rs',
  }
  const document = { publicUrl: 'https://app.example.org/bff', keysFile: 'keys.json', ehrs: [ehr] }
  write('fhirstorm.yaml', stringify({ ...document, listen, ...changes }))
  return join(folder, 'fhirstorm.yaml')
}

async function isHealthy(config: string, more: Record<string, string> = {}): Promise<boolean> {
  const env = { ...process.env, FHIRSTORM_CONFIG: config, ...more }
  const [status] = await once(spawn(process.execPath, args, { env, stdio: 'ignore' }), 'exit')
  return status === 0
}

test('[AD2] the image is healthy where the public URL has a path, and unhealthy where nothing answers', async t => {
  const world = await createWorld({
    configure(document) {
      document.publicUrl += '/bff'
    },
  })
  t.after(() => world.close())
  const port = Number(new URL(world.app).port)
  assert.ok(await isHealthy(configure(t, { host: '0.0.0.0', port })))
  assert.ok(!(await isHealthy(configure(t, { host: '0.0.0.0', port: await findPort() }))))
  const edited = configure(t, { host: '0.0.0.0', port }, { ehrs: 'half a' })
  assert.ok(await isHealthy(edited, { PORT: String(port) }))
})

test('[AD2] over TLS too, whatever name the certificate is for', async t => {
  const pair = createAuthority().issue('DNS:app.example.org')
  const folder = makeFolder()
  t.after(() => removeFolder(folder))
  for (const name of ['cert', 'key'] as const) {
    writeFileSync(join(folder, name), pair[name], { mode: 0o600 })
  }
  const server = https.createServer(pair, (request, response) => {
    response.writeHead(request.url === '/healthz' ? 200 : 404).end()
  })
  const { port } = await start(t, server, 'https')
  const tls = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') }
  assert.ok(await isHealthy(configure(t, { host: '127.0.0.1', port, tls })))
})

test('the image says which version and commit it is, and its build is told the commit', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8')
  const { version, scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  assert.match(dockerfile, new RegExp(`^ARG VERSION=${version.replaceAll('.', '\\.')}$`, 'm'))
  const [build = '', image = ''] = dockerfile.split(/^FROM .*$/m).slice(1)
  assert.match(build, /^ARG COMMIT\n(?:#.*\n)*RUN npm run build/m)
  assert.match(image, /image\.version=\$\{VERSION\}/)
  assert.match(image, /image\.revision=\$\{COMMIT\}/)
  assert.match(scripts.build, /node program\/cli\/note-commit\.ts$/)
})

test('the commit is the noted one, that of a checkout by its branch or not, or none', t => {
  const root = mkdtempSync(join(tmpdir(), 'fhirstorm-commit-'))
  t.after(() => removeFolder(root))
  const place = (name: string) => pathToFileURL(join(root, name))
  const put = (name: string, text: string) => writeFileSync(place(name), text)
  const read = () => readCommit(place('commit'), place('git/'))
  const [one, two, three] = ['1', '2', '3'].map(digit => digit.repeat(40)) as [
    string,
    string,
    string,
  ]
  assert.equal(read(), undefined)
  mkdirSync(place('git/refs/heads/feat'), { recursive: true })
  put('git/HEAD', 'ref: refs/heads/feat/one\n')
  assert.equal(read(), undefined)
  put(
    'git/packed-refs',
    `# pack-refs\n${two} refs/heads/other/feat/one\n${one} refs/heads/feat/one\n`,
  )
  assert.equal(read(), one)
  put('git/refs/heads/feat/one', `${two}\n`)
  assert.equal(read(), two)
  put('git/HEAD', `${three}\n`)
  assert.equal(read(), three)
  put('commit', `${one}\n`)
  assert.equal(read(), one)
  put('commit', 'evil"} 1\n')
  assert.equal(read(), undefined)
})

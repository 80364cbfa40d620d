// `npm run demo`: the sandbox EHR and fhirstorm with its demo frontend, in two processes, as in real
// life. Waits until both answer, prints where they are and how to use them with curl, and ends both on
// Ctrl-C. Keys and vault are thrown away.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { makeKeyRing, printKeyRing } from '../src/keys.ts'
import { buildDemoConfig } from './demo-config.ts'
import { publishDemo } from './demo-site.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const app = process.env.BASE ?? 'http://localhost:5000'
const sandbox = process.env.SANDBOX ?? 'http://127.0.0.1:5001'
const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-demo-'))
const keysFile = join(folder, 'keys.json')
const configFile = join(folder, 'fhirstorm.yaml')
const site = join(folder, 'site')

publishDemo(root, site)

writeFileSync(keysFile, printKeyRing(makeKeyRing(Date.now(), randomBytes)), { mode: 0o600 })
writeFileSync(
  configFile,
  buildDemoConfig({ app, sandbox, keysFile, vault: join(folder, 'vault.db'), site }),
  { mode: 0o600 },
)

const { hostname, port } = new URL(sandbox)
const children = [
  run('sandbox', ['sandbox/main.ts'], { SANDBOX_HOST: hostname, SANDBOX_PORT: port, APP_URL: app }),
  run('fhirstorm', ['bin/fhirstorm.js', 'start', '--config', configFile], {}),
]

let ending = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0))

await Promise.all([answer(`${sandbox}/`), answer(`${app}/readyz`)])
process.stdout.write(`
  fhirstorm   ${app}       open it and sign in
  the EHR     ${sandbox}   launch the app from there

  With curl, in another terminal:

    AUTHORIZE=$(curl -s -c jar -b jar -o /dev/null -w '%{redirect_url}' '${app}/login?ehr=general')
    curl -s -L -c jar -b jar -o /dev/null "$AUTHORIZE&patient=amy-shaw&auto=1"
    curl -s -b jar ${app}/sessions
    curl -s -b jar ${app}/fhir/Patient/amy-shaw
    curl -s -b jar '${app}/fhir/Observation?category=vital-signs&_count=5&_sort=-date'

  Ctrl-C ends both.
`)

function run(name: string, args: string[], env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  child.on('exit', code => {
    if (!ending) process.stderr.write(`${name} ended with status ${code}\n`)
    void end(1)
  })
  return child
}

async function answer(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
    if (response && response.status < 500) return
    await wait(100)
  }
  process.stderr.write(`${url} does not answer\n`)
  await end(1)
}

async function end(status: number): Promise<void> {
  if (ending) return
  ending = true
  const running = children.filter(child => child.exitCode === null && child.signalCode === null)
  const ended = Promise.all(running.map(child => new Promise(done => child.once('exit', done))))
  for (const child of running) child.kill('SIGTERM')
  await Promise.race([ended, wait(5_000)])
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
  process.exit(status)
}

// `npm run demo`: the sandbox EHR and fhirstorm with its demo frontend, in two processes, as in real
// life. Waits until both answer, prints where they are and how to use them with curl, and ends both on
// Ctrl-C. Keys and vault are thrown away. What changes in demo/ or client/ is there at the next reload.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { makeKeyRing, printKeyRing } from '../src/keys.ts'
import { UsageError } from './command-line.ts'
import { type DemoPorts, demoUsage, parseDemoCommandLine } from './demo-command-line.ts'
import { buildDemoConfig } from './demo-config.ts'
import { publishDemo } from './demo-site.ts'
import { claimPort, type PortClaim } from './port-claim.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const ports = readPorts()
const claims: PortClaim[] = []
const sandboxPort = await choosePort(ports.sandbox)
const appPort = await choosePort(ports.app)
const app = `http://localhost:${appPort}`
const sandbox = `http://127.0.0.1:${sandboxPort}`
const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-demo-'))
const keysFile = join(folder, 'keys.json')
const configFile = join(folder, 'fhirstorm.yaml')
const site = join(folder, 'site')

publishDemo(root, site)
for (const name of ['demo', 'client']) watch(join(root, name), () => publishDemo(root, site))
writeFileSync(keysFile, printKeyRing(makeKeyRing(Date.now(), randomBytes)), { mode: 0o600 })
writeFileSync(
  configFile,
  buildDemoConfig({ app, sandbox, keysFile, vault: join(folder, 'vault.db'), site, framed: true }),
  { mode: 0o600 },
)

const children = [
  run('sandbox', ['sandbox/main.ts', '--port', `${sandboxPort}`, '--app-url', app]),
  run('fhirstorm', ['bin/fhirstorm.js', 'start', '--config', configFile]),
]

let ending = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0))

await Promise.all([answer(`${sandbox}/`), answer(`${app}/readyz`)])
for (const claim of claims) claim.release()
process.stdout.write(`
  fhirstorm   ${app}       open it and sign in
  the EHR     ${sandbox}   launch the app from there

  With curl, in another terminal:

    rm -f jar
    AUTHORIZE=$(curl -s -c jar -b jar -o /dev/null -w '%{redirect_url}' '${app}/login?ehr=general')
    curl -s -L -c jar -b jar -o /dev/null "$AUTHORIZE&patient=amy-shaw&auto=1"
    curl -s -b jar ${app}/sessions
    curl -s -b jar ${app}/fhir/Patient/amy-shaw
    curl -s -b jar '${app}/fhir/Observation?category=vital-signs&_count=5&_sort=-date'

  Ctrl-C ends both.
`)

function readPorts(): DemoPorts {
  try {
    const asked = parseDemoCommandLine(process.argv.slice(2), process.env)
    if (asked !== undefined) return asked
    process.stdout.write(demoUsage)
    process.exit(0)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}; --help says what can be chosen\n`)
    process.exit(1)
  }
}

async function choosePort(asked: number): Promise<number> {
  const claim = await claimPort(
    asked,
    claims.map(({ port }) => port),
  )
  claims.push(claim)
  const { port } = claim
  if (port !== asked) process.stdout.write(`Port ${asked} is busy: ${port} is taken instead.\n`)
  return port
}

function run(name: string, args: string[]): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd: root,
    // A PORT that was meant for the demo would win over the configuration.
    env: { ...process.env, PORT: `${appPort}` },
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
  for (const claim of claims) claim.release()
  const running = children.filter(child => child.exitCode === null && child.signalCode === null)
  const ended = Promise.all(running.map(child => new Promise(done => child.once('exit', done))))
  for (const child of running) child.kill('SIGTERM')
  await Promise.race([ended, wait(5_000)])
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  process.exit(status)
}

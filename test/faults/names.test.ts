// Names that do not resolve: an EHR whose name was never one, and one whose name vanishes while the
// broker runs. By the machine's own resolver; each is a refusal of that EHR's requests, and no more.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import { logIn } from '../flow/login.ts'
import type { Broker } from '../world/broker.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { eventually } from '../world/eventually.ts'
import { makeTestFolder } from '../world/folder.ts'
import { type ProcessWorldOptions, startProcessWorld } from '../world/process-world.ts'
import { codeOf } from './refresh-rig.ts'

// What a resolver says of a name depends on whether it can ask anybody.
const NO_SUCH_NAME = /"code":"(ENOTFOUND|EAI_AGAIN)"/

async function start(t: TestContext, options: ProcessWorldOptions) {
  const world = await startProcessWorld(options)
  t.after(world.close)
  return world
}

async function assertRefused(browser: Browser, url: string, code: string): Promise<void> {
  const answer = await browser.fetch(url)
  assert.deepEqual([answer.status, codeOf(answer)], [502, code], answer.text)
}

async function assertLogged({ output }: Broker): Promise<void> {
  assert.ok(await eventually(() => NO_SUCH_NAME.test(output.join(''))), output.join(''))
}

async function assertAlive(places: { app: string; sandbox: Sandbox }): Promise<void> {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(places, browser, 'amy-shaw')
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient`)).status, 200)
}

test('[PS1] a login at an EHR whose name does not resolve is a refusal, and the others go on', async t => {
  const { broker, ...places } = await start(t, {
    configure({ ehrs }) {
      const iss = 'https://ehr.invalid/fhir'
      ehrs.push({ ...ehrs[0], id: 'lost', name: 'Lost', iss, redirectPath: '/redirect/lost' })
    },
  })
  const pid = broker.pid()
  const crowd = Array.from({ length: 20 }, () =>
    assertRefused(createBrowser(), `${places.app}/login?ehr=lost`, 'issuer_unreachable'),
  )
  await Promise.all(crowd)
  await assertAlive(places)
  assert.equal(broker.pid(), pid)
  await assertLogged(broker)
  assert.doesNotMatch(broker.output.join(''), /TypeError|ehr\.invalid/)
})

test('[PS1] the first login at the EHR of the shipped example does not end it', async t => {
  const { app, broker } = await start(t, {
    configure(document) {
      const { ehrs } = parse(readFileSync('examples/fhirstorm.yaml', 'utf8'))
      for (const { clientAuth } of ehrs) {
        delete clientAuth.secretFile
        clientAuth.secret = 'secret'
      }
      document.ehrs = ehrs
    },
  })
  await assertRefused(createBrowser(), `${app}/login`, 'issuer_unreachable')
  assert.equal((await fetch(`${app}/readyz`)).status, 200)
  await assertLogged(broker)
})

const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0

test('[PS1] a name that vanishes refuses FHIR and logins, and serves again when it is back', {
  skip: !canMount && 'no mount namespaces here',
}, async t => {
  const hosts = join(makeTestFolder(t), 'hosts')
  const known = '127.0.0.1 localhost\n'
  writeFileSync(hosts, known)
  const mount = 'mount --bind "$0" /etc/hosts && exec "$@"'
  const through = ['unshare', '-rm', 'sh', '-c', mount, hosts]
  const { app, broker, sandbox } = await start(t, {
    ...{ through, sandbox: { host: 'localhost' } },
  })
  const pid = broker.pid()
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')

  writeFileSync(hosts, '127.0.0.1 elsewhere\n')
  for (let i = 0; i < 3; i++) {
    await assertRefused(browser, `${fhirBaseUrl}/Patient`, 'upstream_unreachable')
  }
  await assertRefused(createBrowser(), `${app}/login?ehr=dstu2`, 'issuer_unreachable')
  await assertLogged(broker)

  writeFileSync(hosts, known)
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient`)).status, 200)
  assert.equal(broker.pid(), pid)
})

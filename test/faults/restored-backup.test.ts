// A backup of the vault that is put back: it brings back sessions that have ended since, for whoever kept
// their cookies, until a new epoch of the key ring makes all of them void.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { logIn } from '../flow/login.ts'
import { hasRedis, startRedis } from '../vault/redis-server.ts'
import { makeFolder } from '../world/broker.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { removeFolder } from '../world/folder.ts'
import { startProcessWorld } from '../world/process-world.ts'
import type { ConfigDocument } from '../world/world.ts'

const run = promisify(execFile)

interface Store {
  folder: string
  configure?: (document: ConfigDocument) => void
  /** While the broker is down. */
  backUp(): Promise<unknown>
  restore(): Promise<unknown>
}

async function restoresAndEnds(t: TestContext, store: Store): Promise<void> {
  const asked: string[] = []
  const { folder, configure } = store
  const { app, sandbox, broker, close } = await startProcessWorld({
    ...{ folder, configure },
    sandbox: { onRequest: ({ path }) => asked.push(path) },
  })
  t.after(close)
  const [browser, kept] = [createBrowser(), createBrowser()]
  const { id, fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
  copyCookies(app, browser, kept)
  const read = async () => (await kept.fetch(`${app}/sessions/${id}`)).status

  await broker.stop()
  await store.backUp()
  await broker.start()
  assert.equal((await browser.fetch(`${app}/logout`, { method: 'POST' })).status, 200)
  assert.equal(await read(), 401)
  await broker.stop()
  await store.restore()

  await broker.start()
  assert.equal(await read(), 200)
  await broker.stop()
  await run(process.execPath, [
    ...['bin/fhirstorm.js', 'keys', 'epoch'],
    ...['--file', join(folder, 'keys.json')],
  ])
  await broker.start()
  const count = asked.length
  assert.equal(await read(), 401)
  assert.equal((await kept.fetch(`${fhirBaseUrl}/Patient`)).status, 401)
  // Its spent refresh token is not sent, which the EHR would take for a theft.
  assert.deepEqual(asked.slice(count), [])
  const next = await logIn({ app, sandbox }, browser, 'amy-shaw')
  assert.equal((await browser.fetch(`${next.fhirBaseUrl}/Patient`)).status, 200)
}

function copyCookies(app: string, from: Browser, to: Browser): void {
  for (const [name, value] of from.cookies(app)) to.setCookie(app, name, value)
}

test('[V17] a new epoch ends what a backup of the file brought back', async t => {
  const folder = makeFolder()
  t.after(() => removeFolder(folder))
  const file = join(folder, 'vault.db')
  await restoresAndEnds(t, {
    folder,
    backUp: () => copyFile(file, `${file}.backup`),
    async restore() {
      await copyFile(`${file}.backup`, file)
      for (const end of ['-wal', '-shm']) await rm(file + end, { force: true })
    },
  })
})

describe('over Redis', { skip: !hasRedis() }, () => {
  test('[V17, V12] a new epoch ends what a dump of Redis brought back', async t => {
    const folder = makeFolder()
    const redis = await startRedis()
    t.after(async () => {
      await redis.close()
      removeFolder(folder)
    })
    await restoresAndEnds(t, {
      folder,
      configure(document) {
        document.vault = { kind: 'redis', url: redis.url }
      },
      // The second database of the same server stands for the backup.
      backUp: () => copyAll(0, 1),
      restore: () => copyAll(1, 0),
    })

    async function copyAll(from: number, to: number): Promise<void> {
      const keys = await redis.command('-n', `${from}`, 'keys', '*')
      for (const key of keys.trim().split('\n')) {
        await redis.command('-n', `${from}`, 'copy', key, key, 'db', `${to}`, 'replace')
      }
    }
  })
})

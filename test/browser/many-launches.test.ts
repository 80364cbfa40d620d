// A clinician's day in a real browser: the EHR opens the app forty times, from its own site, for one
// patient after the other. The app must still work then, and its cookies must not have piled up.

import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { removeFolder } from '../world/folder.ts'
import { createWorld, type World } from '../world/world.ts'

const LAUNCHES = 40
const patients = ['amy-shaw', 'ben-ortega', 'elena-rossi', 'hiro-tanaka']

interface Document {
  id: string
  patient: string
  fhirBaseUrl: string
}

interface Bundle {
  entry: { resource: { id: string } }[]
}

describe('forty launches in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  let folder: string
  let passed = 0
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fhirstorm-frontend-'))
    await writeFile(join(folder, 'index.html'), '<!doctype html><title>App</title>')
    world = await createWorld({
      now: () => Date.now() + passed,
      configure(document) {
        document.frontend = { static: folder }
      },
    })
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    await world.close()
    removeFolder(folder)
  })

  async function cookieHeaderSize(context: BrowserContext): Promise<number> {
    const cookies = await context.cookies(world.app)
    return cookies.map(({ name, value }) => `${name}=${value}`).join('; ').length
  }

  // The EHR's page is the one that navigates: Strict cookies stay behind on the way.
  async function launch(ehr: Page, patient: string): Promise<Page> {
    const opened = ehr.waitForEvent('popup')
    await ehr.evaluate(`open('/launch-app?patient=${patient}&auto=1')`)
    const page = await opened
    await page.waitForURL(url => url.searchParams.has('session'), { waitUntil: 'commit' })
    return page
  }

  test('[L22, K12] from another site they leave eight sessions and a Cookie header below 4 KiB', async t => {
    const context = await chromium.newContext()
    t.after(() => context.close())
    const ehr = await context.newPage()
    await ehr.goto(`${world.sandbox.url}/smart-style.json`)
    const landed: string[] = []
    let largest = 0
    for (let i = 0; i < LAUNCHES; i++) {
      passed += 1000
      const page = await launch(ehr, patients[i % patients.length] as string)
      landed.push(new URL(page.url()).searchParams.get('session') ?? '')
      await page.close()
      largest = Math.max(largest, await cookieHeaderSize(context))
    }
    const page = await context.newPage()
    await page.goto(world.app)
    assert.equal(new Set(landed).size, LAUNCHES)
    assert.ok(largest < 4096, `${largest} bytes`)

    const sessions = await page.evaluate(async () => {
      const answer = await fetch('/sessions')
      return { status: answer.status, list: (await answer.json()) as Document[] }
    })
    assert.equal(sessions.status, 200)
    assert.deepEqual(sessions.list.map(({ id }) => id).sort(), landed.slice(-8).sort())
    for (const { patient, fhirBaseUrl } of sessions.list) {
      const ids = await page.evaluate(async url => {
        const bundle = (await (await fetch(`${url}/Patient`)).json()) as Bundle
        return bundle.entry.map(({ resource }) => resource.id)
      }, fhirBaseUrl)
      assert.deepEqual(ids, [patient])
    }
    const names = (await context.cookies(world.app)).map(({ name }) => name)
    assert.equal(names.length, 9)
  })
})

// An app without a library (examples/heart-risk) in Chromium behind the façade: endpoints from `metadata`, in R4 and
// DSTU2, laboratory values and medication, from a folder of its own below a public URL with a path.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { createAppWorld } from '../world/app-world.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { openVisit } from '../world/visit.ts'
import type { World } from '../world/world.ts'

describe('an app without a library in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  before(async () => {
    world = await createAppWorld({
      ...{ example: 'heart-risk', below: 'heart' },
      facade: {
        ...{ launchUrl: '/bff/heart/launch.html', redirectUris: ['/bff/heart/'] },
        clientId: 'heart-risk',
      },
      configure(document) {
        document.publicUrl += '/bff'
      },
    })
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium.close()
    await world.close()
  })

  async function launch(page: Page, query: string): Promise<string> {
    await page.goto(`${world.sandbox.url}/launch-app?${query}&auto=1`)
    await page.waitForFunction(`/%|failed/.test(document.title)`)
    return await page.title()
  }

  test('[FA1] works out the same from R4 and from DSTU2, and lists the medication of each', async () => {
    await using visit = await openVisit(chromium)
    const { page, complaints } = visit
    const seen: { title: string; values: string; drugs: string[] }[] = []
    for (const fhir of ['r4', 'dstu2']) {
      const title = await launch(page, `patient=amy-shaw&fhir=${fhir}`)
      assert.match(title, /^amy-shaw: \d+\.\d %$/, fhir)
      const values = (await page.locator('#values').textContent()) ?? ''
      for (const name of ['Systolic', 'Total', 'HDL', 'hs-CRP']) assert.ok(values.includes(name))
      seen.push({ title, values, drugs: await page.locator('#drugs li').allTextContents() })
      const { pathname, searchParams } = new URL(page.url())
      assert.equal(pathname, '/bff/heart/')
      assert.ok(searchParams.get('code') && searchParams.get('state'))
    }
    assert.ok((seen[0]?.drugs.length ?? 0) > 0)
    assert.deepEqual(seen[0], seen[1])
    // Browsers look for an icon that this app has not.
    const others = complaints.filter(text => !/404/.test(text))
    assert.deepEqual(others, [])
  })

  test('[FA1, FA2] holds its session’s name after a reload too, and its address opens nothing elsewhere', async () => {
    await using visit = await openVisit(chromium)
    await launch(visit.page, 'patient=hiro-tanaka')
    const stored = await visit.page.evaluate<string>(`JSON.stringify({ ...sessionStorage })`)
    assert.match(stored, /access_token\\":\\"[\w-]{22}\\"/)
    await visit.page.reload()
    await visit.page.waitForFunction(`/%|failed/.test(document.title)`)
    assert.match(await visit.page.title(), /^hiro-tanaka: \d+\.\d %$/)
    await using other = await openVisit(chromium)
    await other.page.goto(visit.page.url())
    await other.page.waitForFunction(`/%|failed/.test(document.title)`)
    assert.equal(await other.page.title(), 'failed: no launch')
  })
})

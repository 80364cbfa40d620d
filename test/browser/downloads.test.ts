// `<a download>` of a file at the EHR, in the three engines: it goes past the page's memory to the disk. A link
// to anything else of FHIR, or its address in a tab, shows the small page, and nothing is ever shown at our
// origin.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { clickOn, type Engine, until } from '../world/engine.ts'
import { engines } from '../world/engines.ts'
import { eventually } from '../world/eventually.ts'
import { launch as openDemo, openVisit, readSessionId } from '../world/visit.ts'
import { createWorld, type World } from '../world/world.ts'

interface Line {
  route?: string
  method?: string
  status?: number
  code?: string
}

/** The address of the first PDF of the patient, below the session's base. */
const findFile = `(async () => {
  const base = '/sessions/' + new URLSearchParams(location.search).get('session') + '/fhir/'
  const { entry } = await (await fetch(base + 'DocumentReference?patient=amy-shaw')).json()
  const found = entry.map(({ resource }) => resource.content[0].attachment)
  const { url } = found.find(({ contentType }) => contentType === 'application/pdf')
  return new URL(url, location.origin + base).href
})()`

const link = (href: string, how: string) => `document.body.insertAdjacentHTML('afterbegin',
  '<p><a id="link" ${how} href="' + ${JSON.stringify(href)} + '">a file</a></p>')`

for (const { name, isThere, launch } of engines) {
  describe(`a file in ${name}`, { skip: !isThere() }, () => {
    let world: World
    let engine: Engine
    before(async () => {
      world = await createWorld({
        configure(document) {
          document.log = { level: 'info' }
        },
      })
      engine = await launch()
    })
    after(async () => {
      await engine?.close()
      await world?.close()
    })

    test('[X3] is saved by <a download>, and the page stays', async () => {
      const tab = await engine.open()
      await tab.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
      await until(tab, `document.querySelector('#trends table')`)
      const here = await tab.evaluate('location.href')
      const file = await tab.evaluate<string>(findFile)
      assert.match(file, /\/fhir\/Binary\//)
      await tab.evaluate(link(file, 'download="letter.pdf"'))
      world.log.length = 0
      await clickOn(tab, '#link')
      assert.ok(
        await eventually(() => linesOf(world).some(({ route }) => route?.includes('/fhir/*'))),
      )
      const [line] = linesOf(world)
      assert.deepEqual([line?.method, line?.status, line?.code], ['GET', 200, undefined])
      assert.equal(await tab.evaluate('location.href'), here)
      await tab.close()
    })

    test('may be shown in a frame from memory, under the policy of frontend.static', async () => {
      const tab = await engine.open()
      await tab.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
      await until(tab, `document.querySelector('#trends table')`)
      const file = await tab.evaluate<string>(findFile)
      const refused = await tab.evaluate(`(async () => {
        const refused = []
        addEventListener('securitypolicyviolation', event => refused.push(event.effectiveDirective))
        const answer = await fetch('${file}', { headers: { accept: 'application/pdf' } })
        const frame = document.createElement('iframe')
        const loaded = new Promise(done => frame.onload = done)
        frame.src = URL.createObjectURL(await answer.blob())
        document.body.append(frame)
        await Promise.race([loaded, new Promise(done => setTimeout(done, 2000))])
        return refused
      })()`)
      assert.deepEqual(refused, [])
      await tab.close()
    })

    test('[X3] of another kind is a page that says so, and a link to it shows no record', async () => {
      const tab = await engine.open()
      await tab.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
      await until(tab, `document.querySelector('#trends table')`)
      const file = await tab.evaluate<string>(findFile)
      await tab.evaluate(link(file.replace(/Binary.*/, 'Patient/amy-shaw'), ''))
      await clickOn(tab, '#link')
      await until(tab, `document.querySelector('main') && location.pathname.endsWith('amy-shaw')`)
      assert.doesNotMatch(await tab.evaluate('document.body.innerText'), /Shaw|Victoria/)
      await tab.close()
    })
  })
}

describe('FHIR data in Chromium', { skip: !hasChromium() }, () => {
  let world: World
  let chromium: Browser
  before(async () => {
    world = await createWorld()
    chromium = await launchChromium()
  })
  after(async () => {
    await chromium?.close()
    await world?.close()
  })

  test('[X3] what is saved is the file, byte for byte', async () => {
    await using visit = await openVisit(chromium, { acceptDownloads: true })
    const { page } = visit
    await openDemo(page, world, 'amy-shaw')
    assert.ok(readSessionId(page))
    const file = await page.evaluate<string>(findFile)
    const bytes = await page.evaluate<number[]>(
      `fetch('${file}', { headers: { accept: 'application/pdf' } }).then(answer => answer.bytes()).then(found => [...found])`,
    )
    await page.evaluate(link(file, 'download="letter.pdf"'))
    const [saved] = await Promise.all([page.waitForEvent('download'), page.click('#link')])
    assert.equal(saved.suggestedFilename(), 'letter.pdf')
    assert.deepEqual([...(await readFile(await saved.path()))], bytes)
    assert.equal(String.fromCharCode(...bytes.slice(0, 5)), '%PDF-')
  })

  test('[X2] opened in a tab it shows the small page, in the language of the browser, with a session and without', async () => {
    await using visit = await openVisit(chromium, { locale: 'de-DE' })
    const { page } = visit
    const refused: string[] = []
    page.on('console', message => {
      if (message.text().includes('Content Security Policy')) refused.push(message.text())
    })
    await openDemo(page, world, 'amy-shaw')
    const base = `${world.app}/sessions/${readSessionId(page)}/fhir`
    for (const address of [`${base}/Patient/amy-shaw`, `${world.app}/fhir/Patient`]) {
      const answer = await page.goto(address)
      assert.equal(answer?.status(), 403, address)
      assert.match(answer?.headers()['proxy-status'] ?? '', /details="navigation_refused"/)
      assert.match(await page.innerText('main'), /Daten werden nicht als Seite gezeigt/)
      assert.doesNotMatch(await page.content(), /Shaw/)
    }
    assert.deepEqual(refused, [])
  })
})

const linesOf = ({ log }: World): Line[] =>
  log.map(line => JSON.parse(line) as Line).filter(({ route }) => route?.includes('/fhir'))

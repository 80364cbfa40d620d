// The app in a frame of an EHR of another site, in each engine: in Chromium and Firefox it works, with cookies that
// are the frame's own; WebKit keeps none in a frame, and there a page says so.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createSmartAppWorld } from '../world/app-world.ts'
import { type Engine, says, type Tab, until } from '../world/engine.ts'
import { engines } from '../world/engines.ts'
import { type ConfigDocument, createWorld, type World } from '../world/world.ts'

const embed = (document: ConfigDocument) => {
  document.ehrs[0].embedded = true
}

for (const { name, isThere, launch } of engines) {
  describe(`in a frame of the EHR in ${name}`, { skip: !isThere() }, () => {
    let demo: World
    let smart: World
    let engine: Engine
    before(async () => {
      demo = await createWorld({ configure: embed })
      smart = await createSmartAppWorld(embed)
      engine = await launch()
    })
    after(async () => {
      await engine?.close()
      await smart?.close()
      await demo?.close()
    })

    async function openChart({ sandbox }: World): Promise<Tab> {
      const tab = await engine.open()
      await tab.goto(`${sandbox.url}/chart?patient=amy-shaw&auto=1`)
      return tab
    }

    if (name === 'WebKit') {
      test('[K17] keeps no cookie there, and a page says what it may be', async () => {
        const tab = await openChart(demo)
        await until(tab, says('or it blocks cookies'), 'frame')
        assert.doesNotMatch(await tab.evaluateInFrame('document.body.innerText'), /Amy/)
      })
      return
    }

    test('[K17, Q2] a launch logs in, hears, reads and logs out in the frame, and a tab has none of it', async () => {
      const chart = await openChart(demo)
      await until(chart, says('Amy Victoria Shaw'), 'frame')
      await until(chart, `document.querySelector('#trends table')`, 'frame')
      const id = await chart.evaluateInFrame<string>(
        `new URLSearchParams(location.search).get('session')`,
      )
      const tab = await engine.open()
      await tab.goto(demo.app)
      const ask = `fetch('/sessions/${id}', { headers: { 'x-csrf': '1' } }).then(({ status }) => status)`
      assert.deepEqual([await chart.evaluateInFrame(ask), await tab.evaluate(ask)], [200, 401])
      const out = `fetch('/logout', { method: 'POST' }).then(({ status }) => status)`
      assert.equal(await chart.evaluateInFrame(out), 200)
      await until(chart, says('You are signed out'), 'frame')
      assert.doesNotMatch(await chart.evaluateInFrame('document.body.innerText'), /Trends|Amy/)
    })

    test('[FA1, K17] an existing SMART app runs in it, from launch to record', async () => {
      const chart = await openChart(smart)
      await until(chart, `/values|failed/.test(document.title)`, 'frame')
      assert.match(await chart.evaluateInFrame('document.title'), /^amy-shaw: [1-9]/)
    })
  })
}

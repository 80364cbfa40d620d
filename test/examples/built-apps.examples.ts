// The examples that have a build and so dependencies of their own, each as its README starts it, in a real
// browser. `npm run test:examples` brings what they need by their own lock files, and runs these.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { adopt, end } from '../world/children.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { createExampleWorld, findListener } from '../world/example.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { endElsewhere, openVisit, readSessionId } from '../world/visit.ts'
import type { World } from '../world/world.ts'

describe('examples with a build in Chromium', { skip: !hasChromium() }, () => {
  let chromium: Browser
  before(async () => {
    chromium = await launchChromium()
  })
  after(() => chromium.close())

  test('[Z6] react by Vite: compiles, signs in, shows the record, hears of an ending at once', async t => {
    const folder = await copyExample(t, 'react')
    // What `npm install --no-save ../..` makes.
    await symlink(resolve('.'), join(folder, 'node_modules/fhirstorm'))
    await run(folder, 'typescript/bin/tsc', [])
    const origin = `http://localhost:${await findPort()}`
    const world = await startWorld(t, 'react', { 'http://localhost:5173': origin })
    const port = ['--port', new URL(origin).port, '--host', 'localhost']
    await serve(t, { folder, world, origin, words: ['vite/bin/vite.js', ...port] })
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    await page.goto(origin)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await chooseAmy(page)
    await page.getByRole('heading', { name: 'Amy Victoria Shaw' }).waitFor()
    assert.equal(await page.getByRole('listitem').count(), 5)
    const twin = await context.newPage()
    await twin.goto(page.url())
    await twin.getByRole('heading', { name: 'Amy Victoria Shaw' }).waitFor()
    await twin.getByRole('button', { name: 'Sign out' }).click()
    for (const tab of [twin, page]) {
      await tab.getByRole('heading', { name: 'You are not signed in' }).waitFor()
      assert.equal(await tab.getByRole('listitem').count(), 0)
    }
    await page.goto(`${world.sandbox.url}/launch-app?patient=hiro-tanaka&auto=1`)
    await page.getByRole('heading', { name: 'Hiro Tanaka' }).waitFor()
    await endElsewhere(world, readSessionId(page))
    await page.getByRole('heading', { name: 'You are not signed in' }).waitFor()
    await run(folder, 'vite/bin/vite.js', ['build'])
  })

  test('[Z6] next: builds, renders the record on the server, two patients in two tabs, signs out', async t => {
    const folder = await copyExample(t, 'next')
    const origin = `http://localhost:${await findPort()}`
    const world = await startWorld(t, 'next', { 'http://localhost:3000': origin })
    const FHIRSTORM = findListener(world)
    await run(folder, 'next/dist/bin/next', ['build'], { FHIRSTORM })
    const words = ['next/dist/bin/next', 'start', '--port', new URL(origin).port]
    await serve(t, { folder, world, origin, words })
    await using visit = await openVisit(chromium)
    const { page, context } = visit
    await page.goto(origin)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await chooseAmy(page)
    await page.getByRole('listitem').filter({ hasText: 'Hypertension' }).waitFor()
    const second = await context.newPage()
    // From the EHR's own site: the page is rendered all the same (ticketSameSite: lax).
    await second.goto(`${world.sandbox.url}/launch-app?patient=hiro-tanaka&auto=1`)
    await second.getByRole('heading', { name: 'Hiro Tanaka' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Amy Victoria Shaw' }).waitFor()
    const html = await (await context.request.get(page.url())).text()
    assert.match(html, /Hypertension/)
    assert.match(await (await fetch(page.url())).text(), /You are not signed in/)
    const address = page.url()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'You are not signed in' }).waitFor()
    await page.goto(address)
    await page.getByRole('heading', { name: 'You are not signed in' }).waitFor()
    await second.reload()
    await second.getByRole('heading', { name: 'Hiro Tanaka' }).waitFor()
  })
})

async function startWorld(
  t: TestContext,
  name: string,
  origins: Record<string, string>,
): Promise<World> {
  const world = await createExampleWorld(name, origins)
  t.after(() => world.close())
  return world
}

/** A copy of an example in which a build may write, with the packages that were brought to it. */
async function copyExample(t: TestContext, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `fhirstorm-${name}-`))
  t.after(() => removeFolder(folder))
  await cp(join('examples', name), folder, { recursive: true, verbatimSymlinks: true })
  return folder
}

/** Runs a program of an example's packages to its end. */
async function run(folder: string, program: string, words: string[], env = {}): Promise<void> {
  const child = start(folder, [program, ...words], env)
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', text => said.push(`${text}`))
  // Builds may take their time: the test itself has an end.
  child.ref()
  const [status] = await once(child, 'exit')
  assert.equal(status, 0, said.join(''))
}

interface Served {
  folder: string
  world: World
  origin: string
  words: string[]
}

/** Starts the server of an example, and waits until it passes requests on to fhirstorm. */
async function serve(t: TestContext, { folder, world, origin, words }: Served): Promise<void> {
  const child = start(folder, words, { FHIRSTORM: findListener(world) })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', text => said.push(`${text}`))
  t.after(() => end(child, 'SIGTERM').catch(() => undefined))
  for (let tries = 0; tries < 1_200; tries++) {
    const answer = await fetch(`${origin}/bff/healthz`).catch(() => undefined)
    if (answer?.ok) return
    await new Promise(done => setTimeout(done, 50))
  }
  throw new Error(`${origin} does not answer: ${said.join('')}`)
}

function start(folder: string, [program = '', ...words]: string[], env: Record<string, string>) {
  return adopt(
    spawn(process.execPath, [join(folder, 'node_modules', program), ...words], {
      cwd: folder,
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

async function chooseAmy(page: Page): Promise<void> {
  for (const step of ['#user-practitioner', '#patient-amy-shaw', '#allow']) {
    await page.locator(step).click()
  }
}

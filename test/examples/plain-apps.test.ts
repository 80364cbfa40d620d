// The examples without a build, each with its own configuration in a real browser: plain fetch, another origin
// of the same site, in a frame of another site with third-party cookies blocked, behind nginx and Caddy.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import fastifyStatic from '@fastify/static'
import fastify from 'fastify'
import type { Browser, Page } from 'playwright-core'
import { adopt, end } from '../world/children.ts'
import { hasChromium, launchChromium } from '../world/chromium.ts'
import { createExampleWorld, findListener } from '../world/example.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { hasPrograms } from '../world/program.ts'
import { endElsewhere, openVisit, readSessionId, showAgain } from '../world/visit.ts'
import type { World } from '../world/world.ts'

describe('examples without a build in Chromium', { skip: !hasChromium() }, () => {
  let chromium: Browser
  before(async () => {
    chromium = await launchChromium('--test-third-party-cookie-phaseout')
  })
  after(() => chromium.close())

  async function start(
    t: TestContext,
    name: string,
    origins: Record<string, string> = {},
  ): Promise<World> {
    const world = await createExampleWorld(name, origins)
    t.after(() => world.close())
    return world
  }

  test('[Z6] plain-fetch signs in by clicking, reads, hears of an ending, and signs out', async t => {
    const world = await start(t, 'plain-fetch')
    await using visit = await openVisit(chromium)
    const { page, complaints } = visit
    await signIn(page, world.app)
    await showsRecord(page)
    await endElsewhere(world, readSessionId(page))
    await showAgain(page)
    await page.getByRole('heading', { name: 'This session is over' }).waitFor()
    assert.equal(await page.locator('li').count(), 0)
    await page.goto(`${world.sandbox.url}/launch-app?patient=amy-shaw&auto=1`)
    await showsRecord(page)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    assert.deepEqual(
      complaints.filter(text => !/40[14]/.test(text)),
      [],
    )
  })

  test('[Z6] another-origin comes back to itself, reads with credentials, and signs out', async t => {
    const origin = `http://localhost:${await findPort()}`
    const world = await start(t, 'another-origin', { 'http://localhost:3000': origin })
    const folder = copyApp(t, 'another-origin', ['http://localhost:5000', world.app])
    const server = fastify()
    await server.register(fastifyStatic, { root: folder })
    await server.listen({ host: 'localhost', port: Number(new URL(origin).port) })
    t.after(() => server.close())
    await using visit = await openVisit(chromium)
    const { page } = visit
    await signIn(page, origin)
    await page.getByRole('listitem').filter({ hasText: 'penicillin' }).waitFor()
    assert.ok(page.url().startsWith(`${origin}/?session=`), page.url())
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    const left = await page.context().cookies(`${world.app}/sessions`)
    assert.deepEqual(
      left.map(cookie => cookie.name),
      ['fhirstorm-browser'],
    )
  })

  test('[Z6, K17] embedded works in a frame of another site that is given no cookie but its own', async t => {
    const world = await start(t, 'embedded')
    await using visit = await openVisit(chromium)
    const { page } = visit
    await page.goto(`${world.sandbox.url}/chart?patient=amy-shaw&face=embedded&auto=1`)
    const frame = page.frameLocator('iframe')
    await frame.getByRole('heading', { name: 'Amy Victoria Shaw' }).waitFor()
    assert.equal(await frame.locator('li').count(), 5)
    const [inner] = page.mainFrame().childFrames()
    // That they are blocked: of two cookies for any site the browser keeps the frame's own.
    const kept = await inner?.evaluate<string>(`(() => {
      document.cookie = 'anywhere=1; SameSite=None; Secure'
      document.cookie = 'here=1; SameSite=None; Secure; Partitioned'
      return document.cookie
    })()`)
    assert.equal(kept, 'here=1')
    await frame.getByRole('button', { name: 'Sign out' }).click()
    await frame.getByRole('heading', { name: 'You are signed out' }).waitFor()
  })

  for (const { name, program, debian } of [
    { name: 'nginx', program: '/usr/sbin/nginx', debian: 'nginx-light' },
    { name: 'Caddy', program: '/usr/bin/caddy', debian: 'caddy' },
  ]) {
    const skip = !hasPrograms({ path: program, debian })
    test(`[Z6] in-front by ${name}: the app and fhirstorm at one origin, events as they happen`, {
      skip,
    }, async t => {
      const origin = `http://localhost:${await findPort()}`
      const world = await start(t, 'in-front', { 'http://localhost:8080': origin })
      const folder = copyApp(t, 'plain-fetch', ['content="/"', 'content="/bff/"'])
      const proxy = startProxy(name, program, { origin, folder, target: findListener(world) })
      t.after(() => end(proxy, 'SIGTERM'))
      await untilAnswers(`${origin}/bff/healthz`)
      await using visit = await openVisit(chromium)
      const { page } = visit
      await signIn(page, origin)
      await showsRecord(page)
      const id = readSessionId(page)
      await page.evaluate(`void (async () => {
        const { body } = await fetch('/bff/sessions/events')
        const reader = body.pipeThrough(new TextDecoderStream()).getReader()
        globalThis.heard = (await reader.read()).value
        for (;;) {
          const { value, done } = await reader.read()
          if (done) break
          heard += value
        }
      })().catch(() => undefined)`)
      await page.waitForFunction(`globalThis.heard?.includes('event: sessions')`)
      await endElsewhere(world, id)
      await page.waitForFunction(`heard.includes('event: ended')`)
    })
  }
})

async function signIn(page: Page, app: string): Promise<void> {
  await page.goto(app)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.locator('#user-practitioner').click()
  await page.locator('#patient-amy-shaw').click()
  await page.locator('#allow').click()
}

async function showsRecord(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'Amy Victoria Shaw' }).waitFor()
  assert.equal(await page.locator('li').count(), 5)
}

/** A copy of an example's app, with one address of it moved. */
function copyApp(t: TestContext, name: string, [from, to]: [from: string, to: string]): string {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-example-'))
  t.after(() => removeFolder(folder))
  cpSync(join('examples', name, 'app'), folder, { recursive: true })
  const page = join(folder, 'index.html')
  const text = readFileSync(page, 'utf8')
  assert.ok(text.includes(from))
  writeFileSync(page, text.replace(from, to))
  return folder
}

function startProxy(
  name: string,
  program: string,
  { origin, folder, target }: Record<'origin' | 'folder' | 'target', string>,
) {
  const own = join(folder, '..', `${folder.split('/').at(-1)}-proxy`)
  mkdirSync(join(own, 'tmp'), { recursive: true })
  process.once('exit', () => removeFolder(own))
  const { port, host } = new URL(origin)
  const file = name === 'nginx' ? 'nginx.conf' : 'Caddyfile'
  const text = readFileSync(`examples/in-front/${file}`, 'utf8')
    .replaceAll('/srv/app', folder)
    .replaceAll('127.0.0.1:5000', new URL(target).host)
    .replace('listen 8080', `listen ${port}`)
    .replace(':8080 {', `http://${host} {`)
  if (name === 'nginx') {
    const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map(one => `${one}_temp_path ${own}/tmp/${one};`)
      .join(' ')
    const types = 'types { text/html html; text/javascript js; }'
    writeFileSync(
      join(own, file),
      `user root; daemon off; pid ${own}/pid; error_log ${own}/error.log; worker_processes 1;
events {} http { access_log off; ${types} ${folders} ${text} }`,
    )
    return adopt(spawn(program, ['-p', own, '-c', join(own, file)], { stdio: 'ignore' }))
  }
  writeFileSync(join(own, file), `{\n\tadmin off\n\tauto_https off\n}\n${text}`)
  const config = ['--config', join(own, file), '--adapter', 'caddyfile']
  const env = { ...process.env, HOME: own, XDG_DATA_HOME: own, XDG_CONFIG_HOME: own }
  return adopt(spawn(program, ['run', ...config], { env, stdio: 'ignore' }))
}

async function untilAnswers(url: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await fetch(url).catch(() => undefined)) return
    await new Promise(done => setTimeout(done, 25))
  }
  throw new Error(`${url} does not answer`)
}

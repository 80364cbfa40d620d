// The cookies plugin alone in a bare Fastify.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fastify from 'fastify'
import cookies, { type CookiesOptions } from '../../plugins/cookies.ts'

const id = 'AAAAAAAAAAAAAAAAAAAAAA'

function options(overrides: Partial<CookiesOptions> = {}): CookiesOptions {
  return {
    secure: true,
    ticketSameSite: 'strict',
    keys: { ticket: [randomBytes(32)], launch: [randomBytes(32)] },
    lifetimes: { ticket: 3600, launch: 600 },
    ...overrides,
  }
}

async function build(overrides: Partial<CookiesOptions> = {}) {
  const app = fastify()
  await app.register(cookies, options(overrides))
  await app.ready()
  return app
}

test('what is sealed for a purpose opens for that purpose', async t => {
  const app = await build()
  t.after(() => app.close())
  const text = app.smartCookies.seal('ticket', { id, secret: 's' })
  assert.match(text, /^[A-Za-z0-9_.-]+$/)
  assert.deepEqual(app.smartCookies.open('ticket', text), { id, secret: 's' })
})

test('[K4, D9] a launch cookie is no ticket, though sealed by the same key', async t => {
  const key = randomBytes(32)
  const app = await build()
  t.after(() => app.close())
  const text = app.smartCookies.seal('launch', { id })
  assert.equal(app.smartCookies.open('ticket', text), undefined)
  await assert.rejects(build({ keys: { ticket: [key], launch: [key] } }), /share/)
})

test('[K2, K3] every altered text is refused, and none throws', async t => {
  const app = await build()
  t.after(() => app.close())
  const text = app.smartCookies.seal('ticket', { id })
  for (let i = 0; i < text.length; i++) {
    for (const other of ['A', 'B', '.', '!', ';', '%']) {
      if (text[i] === other) continue
      const altered = text.slice(0, i) + other + text.slice(i + 1)
      assert.equal(app.smartCookies.open('ticket', altered), undefined, `${i}`)
    }
    assert.equal(app.smartCookies.open('ticket', text.slice(0, i)), undefined)
  }
  for (const junk of ['', ';', `${text}=`, `${text}.x`, text.replace('.', ';'), ` ${text}`, '..']) {
    assert.equal(app.smartCookies.open('ticket', junk), undefined, junk)
  }
})

test('[K3] one text for one value: altered spare bits are refused', async t => {
  const app = await build()
  t.after(() => app.close())
  let variants = 0
  for (let length = 0; length < 12; length++) {
    const text = app.smartCookies.seal('ticket', { id, ehr: 'e'.repeat(length) })
    for (const altered of listTwins(text)) {
      variants++
      assert.equal(app.smartCookies.open('ticket', altered), undefined)
    }
    assert.ok(app.smartCookies.open('ticket', text))
  }
  // Four bits or two are spare in two lengths of three.
  assert.equal(variants, 4 * 15 + 4 * 3)
})

/** Other texts that decode to the same bytes. */
function listTwins(text: string): string[] {
  const [cipher = '', nonce = ''] = text.split('.')
  const bytes = Buffer.from(cipher, 'base64url')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return [...alphabet]
    .map(last => cipher.slice(0, -1) + last)
    .filter(each => each !== cipher && Buffer.from(each, 'base64url').equals(bytes))
    .map(each => `${each}.${nonce}`)
}

test('[K7, L22] what is sealed opens no longer than it may, whatever the browser keeps', async t => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) })
  const app = await build()
  t.after(() => app.close())
  const purposes = [
    ['ticket', 3_600_000],
    ['launch', 600_000],
  ] as const
  for (const [purpose, lifetime] of purposes) {
    const text = app.smartCookies.seal(purpose, { id })
    t.mock.timers.tick(lifetime - 1_000)
    assert.ok(app.smartCookies.open(purpose, text), purpose)
    t.mock.timers.tick(1_000)
    assert.equal(app.smartCookies.open(purpose, text), undefined, purpose)
  }
})

test('[K11] values sealed by an older key open until that key is gone', async t => {
  const older = randomBytes(32)
  const newer = randomBytes(32)
  const launch = [randomBytes(32)]
  const first = await build({ keys: { ticket: [older], launch } })
  const text = first.smartCookies.seal('ticket', { id })
  const both = await build({ keys: { ticket: [newer, older], launch } })
  const without = await build({ keys: { ticket: [newer], launch } })
  t.after(() => Promise.all([first, both, without].map(app => app.close())))
  assert.deepEqual(both.smartCookies.open('ticket', text), { id })
  assert.equal(without.smartCookies.open('ticket', text), undefined)
})

test('[K11] refuses to start with one short key among good ones', async () => {
  const good = [randomBytes(32)]
  await assert.rejects(
    build({ keys: { ticket: [randomBytes(32), randomBytes(31)], launch: good } }),
    /exactly 32 bytes/,
  )
  await assert.rejects(build({ keys: { ticket: good, launch: [] } }), /exactly 32 bytes/)
})

test('[K1] sets and clears with identical attributes', async t => {
  const app = fastify()
  await app.register(cookies, options())
  app.get('/set', async (_request, reply) => {
    const how = { embedded: false, maxAgeSeconds: 60 }
    app.smartCookies.set(reply, 'ticket', app.smartCookies.names.ticket(id), 'v', how)
    return 'ok'
  })
  app.get('/clear', async (_request, reply) => {
    const name = app.smartCookies.names.ticket(id)
    app.smartCookies.clear(reply, 'ticket', name, { embedded: false })
    return 'ok'
  })
  t.after(() => app.close())
  const attributesOf = async (url: string) => {
    const response = await app.inject(url)
    const parts = String(response.headers['set-cookie']).split('; ').slice(1)
    return parts.filter(part => !/^(Max-Age|Expires)=/.test(part)).sort()
  }
  const expected = ['HttpOnly', 'Path=/', 'SameSite=Strict', 'Secure']
  assert.deepEqual(await attributesOf('/set'), expected)
  assert.deepEqual(await attributesOf('/clear'), expected)
})

// The frontend's folder as operators have it, with what does not belong there: hidden files are not
// served in whatever spelling, and every other file is.

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { isHidden } from '../../src/browser/hidden-path.ts'
import { connectRaw } from '../network/raw.ts'
import { removeFolder } from '../world/folder.ts'
import { createWorld, type World } from '../world/world.ts'

const SECRET = 'zq9secret'
const hidden = [
  ...['.env', '.git/config', '.htpasswd', 'a/.b', 'a/.git/HEAD', '.well-known/.secret'],
  ...['a/.well-known/x', '..env', '...', '.a/b/c', 'deep/er/.npmrc', '.index.html/index.html'],
]
const open = ['index.html', 'app.js', '.well-known/smart', 'a/b.txt', 'x/a.b.c', 'a/%2ec', '~x']

for (const prefix of ['', '/bff']) {
  const where = prefix === '' ? 'at the root' : `below ${prefix}`
  let folder: string
  let world: World

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fhirstorm-.frontend-'))
    const root = join(folder, '.site')
    for (const [names, text] of [
      [hidden, SECRET],
      [open, 'open'],
    ] as const) {
      for (const name of names) {
        await mkdir(join(root, dirname(name)), { recursive: true })
        await writeFile(join(root, name), text)
      }
    }
    await writeFile(join(folder, 'outside'), SECRET)
    world = await createWorld({
      configure(document) {
        document.publicUrl += prefix
        document.frontend = { static: root }
      },
    })
  })
  after(async () => {
    await world.close()
    removeFolder(folder)
  })

  /** Sends the path as it is written and reads the first answer. */
  async function ask(path: string): Promise<{ status: number; text: string }> {
    const { host, port } = new URL(world.app)
    const client = await connectRaw(Number(port), 'localhost')
    client.send(`GET ${prefix}${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    const text = await client.closed()
    return { status: Number(text.slice(9, 12)), text }
  }

  const spell = {
    plain: (path: string) => path,
    dots: (path: string) => path.replaceAll('.', '%2e'),
    upper: (path: string) => path.replaceAll('.', '%2E'),
    first: (path: string) => path.replace('.', '%2e'),
    slashes: (path: string) => path.replaceAll('/', '%2f'),
    all: (path: string) => [...path].map(c => `%${c.charCodeAt(0).toString(16)}`).join(''),
    doubled: (path: string) => `/${path}`,
    detour: (path: string) => `x/../${path}`,
    coded: (path: string) => `x/%2e%2e/${path}`,
    here: (path: string) => `./${path}`,
    backslash: (path: string) => path.replaceAll('/', '\\'),
    query: (path: string) => `${path}?x=/.well-known/`,
    semicolon: (path: string) => `${path};x`,
    twice: (path: string) => path.replaceAll('.', '%252e'),
    overlong: (path: string) => path.replaceAll('.', '%c0%ae'),
    behind: (path: string) => `.well-known/../${path}`,
  }

  test(`[X16] hidden files of the frontend are not there, in whatever spelling, ${where}`, async () => {
    for (const name of hidden) {
      for (const [how, write] of Object.entries(spell)) {
        const { status, text } = await ask(`/${write(name)}`)
        assert.ok(!text.includes(SECRET), `${how} ${name}`)
        assert.ok([400, 404].includes(status), `${how} ${name}: ${status}`)
        if (how === 'plain' || how === 'dots') assert.equal(status, 404, name)
      }
    }
    for (const path of ['/../outside', '/%2e%2e/outside', '/..%2foutside', '/a/../../outside']) {
      const { status, text } = await ask(path)
      assert.equal(status, 404, path)
      assert.ok(!text.includes(SECRET), path)
    }
  })

  test(`[X16] what is not hidden is served, .well-known too, ${where}`, async () => {
    for (const name of open) {
      const { status, text } = await ask(`/${encodeURI(name)}`)
      assert.equal(status, 200, name)
      assert.ok(text.endsWith('open'), name)
    }
    assert.equal((await ask('/%2ewell-known/smart')).status, 200)
    assert.ok((await ask('/')).text.endsWith('open'))
  })
}

test('[X16] no path with a dotted name passes but below /.well-known', () => {
  const name = fc.string({ minLength: 1, maxLength: 5 }).filter(text => !/[/.]/.test(text))
  const dotted = name.map(text => `.${text}`)
  const path = (parts: readonly string[]) => `/${parts.join('/')}`
  fc.assert(
    fc.property(fc.array(name), dotted, fc.array(name), (before, it, behind) => {
      assert.ok(isHidden(path([...before, it, ...behind])))
      assert.ok(!isHidden(path([...before, ...behind])))
      assert.ok(isHidden(path(['.well-known', ...before, it, ...behind])))
      assert.ok(!isHidden(path(['.well-known', ...before, ...behind])))
    }),
  )
})

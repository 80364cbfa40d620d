// Apps of one page behind fhirstorm: which requests get the page, and that no route of ours does.

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { request } from 'undici'
import { parse } from 'yaml'
import { routeRoots } from '../../src/browser/single-page.ts'
import { removeFolder } from '../world/folder.ts'
import { createWorld, type World } from '../world/world.ts'

const PAGE = '<!doctype html><title>app of one page</title>'
const navigation = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  accept: 'text/html',
}

for (const prefix of ['', '/bff']) {
  describe(`an app of one page below '${prefix}/'`, () => {
    let folder: string
    let world: World
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fhirstorm-page-'))
      await mkdir(join(folder, 'help'))
      await writeFile(join(folder, 'index.html'), PAGE)
      await writeFile(join(folder, 'app.js'), 'script')
      await writeFile(join(folder, 'help/index.html'), 'help')
      await writeFile(join(folder, 'plain'), 'a file without an extension')
      world = await createWorld({
        configure(document) {
          document.publicUrl += prefix
          document.frontend = { static: folder, fallback: 'index.html' }
        },
      })
    })
    after(async () => {
      await world.close()
      removeFolder(folder)
    })

    // Not by fetch, which says of itself that it is none of a navigation.
    const ask = async (path: string, headers: Record<string, string>, method = 'GET') => {
      const answer = await request(world.app + path, { headers, method: method as 'GET' })
      const { statusCode: status, headers: told, body } = answer
      return { status, text: await body.text(), type: String(told['content-type']), told }
    }

    test('a navigation to an address of the app gets its page, with its policy', async () => {
      for (const path of ['/patients/7', '/a/b/c?tab=2', '/patients/', '/launch-history']) {
        for (const headers of [navigation, { accept: 'text/html,*/*;q=0.8' }]) {
          const answer = await ask(path, headers as Record<string, string>)
          assert.equal(`${answer.status} ${answer.text}`, `200 ${PAGE}`, path)
          assert.match(answer.type, /^text\/html/)
          assert.match(String(answer.told['content-security-policy']), /default-src 'self'/)
        }
      }
      const head = await ask('/patients/7', navigation, 'HEAD')
      assert.equal(`${head.status} ${head.text}`, '200 ')
    })

    test('files are files, and what is no navigation or no address of the app is not found', async () => {
      assert.equal((await ask('/app.js', navigation)).text, 'script')
      assert.equal((await ask('/help/', navigation)).text, 'help')
      assert.equal((await ask('/plain', navigation)).text, 'a file without an extension')
      const cases: [path: string, headers: Record<string, string>, method?: string][] = [
        ['/missing.js', navigation],
        ['/.env', navigation],
        ['/.git/head', navigation],
        ['/patients/7', { 'sec-fetch-mode': 'cors', accept: 'text/html' }],
        ['/patients/7', { accept: 'application/json' }],
        ['/patients/7', navigation, 'POST'],
        ...routeRoots.map((root): [string, Record<string, string>] => [
          `/${root}/no/such`,
          navigation,
        ]),
      ]
      for (const [path, headers, method] of cases) {
        const answer = await ask(path, headers, method)
        assert.notEqual(answer.text, PAGE, path)
        assert.ok(answer.status >= 400, `${path} ${answer.status}`)
      }
    })
  })
}

test('the roots of the routes are those of the contract', async () => {
  const { paths } = parse(await readFile('openapi.yaml', 'utf8'))
  const roots = Object.keys(paths).map(path => path.split('/')[1] ?? '')
  for (const root of new Set(roots)) {
    assert.ok(root === '' || root.includes('.') || routeRoots.includes(root), root)
  }
})

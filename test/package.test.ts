// The package as it is published: what a fresh clone packs, what it brings along, and what a stranger does
// with nothing but the tarball and docs/plugins.md, on each Node that it is for.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startSandbox } from '../sandbox/sandbox.ts'
import { tutorialClient } from '../sandbox/tutorial-client.ts'
import { logIn } from './flow/login.ts'
import { answer, headerOf, startFakeEhr } from './network/fake-ehr.ts'
import { readExamples, readParts, settle } from './package/guide.ts'
import { copyTracked, packAfresh } from './package/pack.ts'
import { compile, createProject, findNodes, type Project } from './package/project.ts'
import { createBrowser } from './world/browser.ts'
import { removeFolder } from './world/folder.ts'
import { findPort } from './world/port.ts'

const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-package-'))
after(() => removeFolder(folder))

const { paths, tarball } = packAfresh(folder)
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

test('what is packed is built then, without maps that point to sources left behind', () => {
  for (const path of paths) assert.doesNotMatch(path, /\.map$|^(?:program|src|test|demo)\//)
  for (const target of listTargets(manifest.exports)) {
    assert.ok(paths.has(target.slice(2)), `${target} is exported and not packed`)
  }
  assert.ok(paths.has('bin/fhirstorm.js') && paths.has('dist/program/main.js'))
})

test('every link of the documents that are packed leads to a file of the package', () => {
  for (const name of [...paths].filter(path => path.endsWith('.md'))) {
    const base = new URL(name, 'file:///')
    for (const [, link = ''] of readFileSync(name, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      const target = new URL(link, base).pathname.slice(1)
      assert.ok(paths.has(target), `${name} links to ${link}`)
    }
  }
})

test('the package brings no Node of its own, and Fastify is its host', () => {
  const { peerDependencies: peers, peerDependenciesMeta: about = {} } = manifest
  const needed = Object.keys(peers).filter(name => !about[name]?.optional)
  assert.deepEqual(needed, ['fastify'])
  assert.equal(manifest.optionalDependencies, undefined)
  for (const name of Object.keys(manifest.dependencies))
    assert.doesNotMatch(name, /^(?:node|fastify)(?:-linux|$)/)
})

test('an install from git builds the package, and leaves the project its own Node', () => {
  const origin = join(folder, 'origin')
  mkdirSync(origin)
  copyTracked(origin)
  const git = (...words: string[]) => execFileSync('git', words, { cwd: origin, stdio: 'pipe' })
  git('init', '-q', '-b', 'main')
  git('add', '-A')
  git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-q', '-m', 'all')
  const ours = { version: process.version, path: process.execPath }
  const project = createProject(folder, ours, `git+file://${origin}#main`)
  const installed = join(project.folder, 'node_modules', 'fhirstorm')
  for (const target of listTargets(manifest.exports)) {
    assert.ok(existsSync(join(installed, target)), `${target} is missing`)
  }
  assertOwnNode(project)
})

test('on an old Node the command says in one line what to do, there where it stands', () => {
  const unpacked = join(folder, 'unpacked')
  mkdirSync(unpacked)
  execFileSync('tar', ['-xzf', tarball, '-C', unpacked])
  const old = `Object.defineProperty(process, 'versions', { value: { node: '20.1.0' } })`
  const places = [
    [
      'bin/fhirstorm.js',
      /: npm ci brings one to this checkout, and npm run or npm exec takes it\.$/,
    ],
    [join(unpacked, 'package', 'bin', 'fhirstorm.js'), /: install one from https:\/\/nodejs\.org/],
  ] as const
  for (const [command, remedy] of places) {
    const words = ['--import', `data:text/javascript,${old}`, command, 'start']
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr.trimEnd(), /^fhirstorm needs Node\.js 24\.15 or newer, and this is .*$/)
    assert.match(stderr.trimEnd(), remedy)
  }
})

for (const node of findNodes(folder)) {
  test(`a stranger's three ways to use the package, on Node ${node.version}`, async t => {
    const project = createProject(folder, node, tarball)
    assertOwnNode(project)
    const ports = [await findPort(), await findPort(), await findPort()] as const
    const [wholeAt, loginsAt, proxyAt] = ports.map(port => `http://localhost:${port}`) as [
      ...[string, string, string],
    ]
    const sandbox = await startSandbox({ port: 0, appUrl: `${wholeAt}/bff` })
    const ehr = await startFakeEhr()
    t.after(async () => {
      await sandbox.close()
      await ehr.close()
    })
    const examples = readExamples()
    const write = (name: string, port: number, iss: string) => {
      const text = examples.get(name) ?? assert.fail(`there is no example ${name}`)
      assert.ok(text.split('\n').filter(line => line !== '').length <= 40, `${name} is long`)
      project.write(name, settle(text, { port, iss, clientId: tutorialClient.id }))
    }
    write('fhirstorm.yaml', ports[0], `${sandbox.url}/r4`)
    write('whole.ts', ports[0], `${sandbox.url}/r4`)
    write('logins.ts', ports[1], `${sandbox.url}/r4`)
    write('proxy.ts', ports[2], `${ehr.origin}/fhir/r4`)
    // These are run elsewhere, on the sources.
    write('inside.ts', ports[0], `${sandbox.url}/r4`)
    write('app.test.ts', ports[0], `${sandbox.url}/r4`)
    project.write('parts.ts', [...readParts().values()].join('\n'))
    compile(project)

    await t.test('(a) the whole product, below a path', async () => {
      project.run('fhirstorm', 'keys', 'make', '--file', 'keys.json')
      project.write('client-secret', tutorialClient.secret)
      const stop = await project.start('out/whole.js', wholeAt)
      const browser = createBrowser()
      const { fhirBaseUrl } = await logIn({ app: `${wholeAt}/bff`, sandbox }, browser, 'amy-shaw')
      const patient = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
      assert.equal(patient.json<{ id: string }>().id, 'amy-shaw')
      assert.equal((await browser.fetch(wholeAt)).text, 'the host')
      await stop()
    })

    await t.test('(b) logins alone, with sessions of the host', async () => {
      await sandbox.moveApp(loginsAt)
      const stop = await project.start('out/logins.js', `${loginsAt}/me`, {
        EHR_SECRET: tutorialClient.secret,
      })
      const browser = createBrowser()
      const begun = await browser.navigate(`${loginsAt}/login`, () => true)
      const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
      const landed = await browser.navigate(authorize)
      assert.equal(landed.json<{ patient: string }>().patient, 'amy-shaw', landed.text)
      const stranger = await createBrowser().navigate(`${loginsAt}/me`)
      assert.equal(stranger.text, '{}')
      await stop()
    })

    await t.test('(c) the proxy alone, with tokens of the host', async () => {
      const seen: unknown[] = []
      ehr.handler = request => {
        const bearer = headerOf(request, 'authorization')
        seen.push(bearer)
        const status = bearer === 'Bearer second' ? 200 : 401
        answer(request, { status, body: JSON.stringify({ resourceType: 'Patient', id: '1' }) })
      }
      const tokens = { OLD_TOKEN: 'first', NEW_TOKEN: 'second' }
      const stop = await project.start('out/proxy.js', proxyAt, tokens)
      const url = `${proxyAt}/sessions/mine/fhir/Patient/1`
      const read = await fetch(url, { headers: { cookie: 'sid=amy' } })
      assert.equal(((await read.json()) as { id: string }).id, '1')
      assert.deepEqual(seen, ['Bearer first', 'Bearer second'])
      assert.equal((await fetch(url)).status, 401)
      await stop()
    })
  })
}

/** Nothing that npm put there replaces the Node of the project's scripts. */
function assertOwnNode({ folder }: Project): void {
  const installed = readdirSync(join(folder, 'node_modules'))
  assert.ok(!installed.some(name => /^node(?:-|$)/.test(name)))
  assert.ok(!existsSync(join(folder, 'node_modules', '.bin', 'node')))
}

/** Files that `exports` names; patterns stand for folders. */
function listTargets(exports: unknown): string[] {
  if (typeof exports === 'string') return exports.includes('*') ? [] : [exports]
  return Object.values(exports as object).flatMap(listTargets)
}

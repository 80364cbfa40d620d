// What the repository itself promises: no secrets in it, a container without rights, nothing on the
// request path that stops the loop.

import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { removeFolder } from './world/folder.ts'
import { hasPrograms } from './world/program.ts'

const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n').filter(Boolean)

test('[Z5] no private key and no credential stands in a file, save the published examples', () => {
  const known = [
    'test/smart/fixtures/ig-keys.json',
    'sandbox/tutorial-client.ts',
    'test/repository.test.ts',
  ]
  const secret =
    /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----\n[A-Za-z0-9+/]{40}|"d"\s*:\s*"[\w-]{40,}"|AKIA[0-9A-Z]{16}|ghp_[A-Za-z0-9]{36}/
  for (const path of tracked) {
    if (known.includes(path) || path.endsWith('package-lock.json')) continue
    assert.doesNotMatch(readFileSync(path, 'latin1'), secret, path)
  }
})

test('folders of tests are removed by what tries again while a program still writes', () => {
  // In these a folder is taken away as the input itself.
  const inputs = ['audit/file-sink', 'audit/open-chain', 'faults/reload-files']
  const places = tracked.filter(path => path.startsWith('test/') && path.endsWith('.ts'))
  for (const path of places) {
    if (path === 'test/world/folder.ts' || path === 'test/repository.test.ts') continue
    if (inputs.some(input => path === `test/${input}.test.ts`)) continue
    assert.doesNotMatch(readFileSync(path, 'utf8'), /\brm(Sync)?\([^\n]*recursive/, path)
  }
})

test('[Z2, G10] the image runs without rights, shell debugging and core dumps, on a read-only system', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8')
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  assert.match(last, /^USER node$/m)
  assert.match(last, /--disable-sigusr1/)
  const steps = dockerfile.replace(/^#.*$/gm, '')
  assert.doesNotMatch(steps, /alpine|sandbox|demo|ADD http|curl .*\| *sh/)
  const ignored = readFileSync('.dockerignore', 'utf8').split('\n')
  assert.equal(ignored[0], '*')
  for (const path of ['!sandbox', '!demo', '!test', '!secrets']) assert.ok(!ignored.includes(path))
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true })
  for (const name of ['fhirstorm', 'first', 'second', 'valkey', 'balancer']) {
    const service = services[name]
    assert.match(String(service.mem_limit), /^\d+[mg]$/, name)
    assert.ok(service.pids_limit > 0, name)
    assert.equal(service.read_only, true, name)
    assert.deepEqual(service.cap_drop, ['ALL'])
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    assert.equal(service.ulimits.core, 0)
    assert.ok(!JSON.stringify(service.environment ?? {}).match(/secret|password/i))
  }
  for (const name of ['valkey', 'balancer']) {
    assert.match(services[name].user, /^[1-9]\d*:[1-9]\d*$/)
    assert.match(
      services[name].image,
      /^\$\{[A-Z]+_IMAGE:-[a-z/]+:[\w.-]+\}$/,
      'pinned from outside',
    )
  }
})

const COMPOSE = { path: '/usr/bin/docker-compose', debian: 'docker-compose' }

test('[Z2] the compose file is one, and the balancer brings two brokers and their store alone', {
  skip: !hasPrograms(COMPOSE),
}, () => {
  const compose = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(COMPOSE.path, args, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    return stdout
  }
  const { services, secrets } = parse(compose('--profile', 'cluster', 'config'))
  const brought = (name: string): string[] => [
    name,
    ...Object.keys(services[name].depends_on ?? {}).flatMap(brought),
  ]
  assert.deepEqual([...new Set(brought('balancer'))].sort(), [
    ...['balancer', 'first', 'second', 'valkey'],
  ])
  const always = Object.keys(services).filter(name => services[name].profiles === undefined)
  assert.deepEqual(always, ['fhirstorm'])
  const told = readFileSync('README.md', 'utf8')
  for (const name of Object.keys(secrets)) assert.ok(told.includes(`\`${name}`), name)
  for (const name of ['fhirstorm', 'first', 'second']) {
    assert.ok(JSON.stringify(services[name].ports).includes('5009'), `${name} has an admin port`)
  }
})

test('[G10] the password of Valkey stands in no argument', { skip: !hasRedisServer() }, async t => {
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true })
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-valkey-'))
  t.after(() => removeFolder(folder))
  const password = 'zq9 secret'
  writeFileSync(join(folder, 'password'), password)
  const [script = ''] = services.valkey.command as string[]
  const here = script
    .replace('valkey-server', 'redis-server')
    .replace('dir /data', `dir ${folder}\nport 0\nunixsocket ${folder}/socket`)
    .replace('/run/secrets/valkey-password', join(folder, 'password'))
    .replaceAll('$$', '$')
  const server = spawn('sh', ['-c', here], { stdio: 'ignore' })
  t.after(() => server.kill('SIGKILL'))
  const cli = (...args: string[]) =>
    spawnSync('redis-cli', ['-s', join(folder, 'socket'), ...args], { encoding: 'utf8' }).stdout
  while (!/NOAUTH/.test(cli('ping'))) await new Promise(done => setTimeout(done, 50))
  assert.match(cli('-a', password, '--no-auth-warning', 'config', 'get', 'appendfsync'), /always/)
  const args = readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')
  assert.match(args, /^redis-server/)
  assert.ok(!args.includes('zq9'))
})

function hasRedisServer(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

test('the image starts fhirstorm with the options of npm start', () => {
  const entry = /^ENTRYPOINT (.*)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1]
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  assert.equal([...JSON.parse(entry ?? '[]'), 'start'].join(' '), scripts.start)
})

test('[Z2] the labels of the image say this version, and the commit that it is built of', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8')
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  const { version, license } = JSON.parse(readFileSync('package.json', 'utf8'))
  assert.match(last, new RegExp(`^ARG VERSION=${version.replaceAll('.', '\\.')}$`, 'm'))
  assert.match(last, /^ARG COMMIT=unknown$/m)
  for (const [label, value] of [
    ['version', '$' + '{VERSION}'],
    ['revision', '$' + '{COMMIT}'],
    ['licenses', license],
  ]) {
    assert.ok(last.includes(`org.opencontainers.image.${label}=${value}`), label)
  }
})

test('[Z5] the bill of materials is of what is shipped, and nothing else', () => {
  const { scripts, devDependencies, ...own } = JSON.parse(readFileSync('package.json', 'utf8'))
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, Record<string, boolean>>
  }
  const told = spawnSync('sh', ['-c', scripts.sbom], { encoding: 'utf8' })
  assert.equal(told.status, 0, told.stderr)
  const { bomFormat, components, dependencies } = JSON.parse(told.stdout)
  assert.equal(bomFormat, 'CycloneDX')
  const names = new Set(
    components.map(({ group, name }: { group?: string; name: string }) =>
      group ? `${group}/${name}` : name,
    ),
  )
  for (const name of Object.keys(own.dependencies)) assert.ok(names.has(name), name)
  for (const name of Object.keys(devDependencies)) {
    if (packages[`node_modules/${name}`]?.dev) assert.ok(!names.has(name), name)
  }
  // What they need is there, and what they depend on is told of packages that are.
  const refs = new Set(components.map((component: { 'bom-ref': string }) => component['bom-ref']))
  for (const { dependsOn } of dependencies)
    for (const ref of dependsOn) assert.ok(refs.has(ref), ref)
  for (const [path, { dev, optional, devOptional, link }] of Object.entries(packages)) {
    const name = path.split('node_modules/').slice(1).at(-1)
    if (name && !(dev || optional || devOptional || link)) assert.ok(names.has(name), name)
  }
  assert.match(readFileSync('.ci/run', 'utf8'), /sbom > reports\/sbom\.cdx\.json/)
  assert.match(readFileSync('.gitignore', 'utf8'), /^reports\/$/m)
})

test('[DS7] nothing synchronous but node:sqlite and cryptography stands on the request path', () => {
  const allowed = /\b(?:hkdfSync|DatabaseSync|StatementSync)\b/g
  const atStart = [
    'src/make-folder.ts',
    'src/vault/sqlite-file.ts',
    'program/version.ts',
    'program/commit.ts',
  ]
  for (const path of globSync(['src/**/*.ts', 'plugins/*.ts', 'program/**/*.ts'])) {
    if (path.startsWith('program/cli/') || atStart.includes(path)) continue
    const source = readFileSync(path, 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
    assert.doesNotMatch(source.replace(allowed, ''), /\b\w+Sync\b/, path)
  }
})

test('[AS-05, Z6] the documents say how keys are made and handed over', () => {
  const readme = readFileSync('README.md', 'utf8')
  assert.match(readme, /fhirstorm keys make/)
  assert.match(readFileSync('docs/configuration.md', 'utf8'), /private_key_jwt/)
  assert.doesNotMatch(readme, /NODE_TLS_REJECT_UNAUTHORIZED|--insecure|curl -k/)
})

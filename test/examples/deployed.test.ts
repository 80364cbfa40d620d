// The deployments under examples/: their configurations are sound, what one part names another one has, and
// they give away no right that is not needed.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../program/config/load.ts'
import { makeKeyRing, printKeyRing } from '../../src/keys.ts'

const ANALYZE = '/usr/bin/systemd-analyze'
const ring = printKeyRing(makeKeyRing(0, randomBytes))
const token = randomBytes(24).toString('base64')

/** What an operator puts into files of these names. */
async function readSecret(path: string): Promise<string> {
  if (/keys/.test(path)) return ring
  if (/url/.test(path)) return 'rediss://:a-password@redis.example.org:6379'
  return token
}

for (const name of globSync('examples/**/fhirstorm.yaml')) {
  test(`[Z6] ${name} is a sound configuration`, async () => {
    const text = readFileSync(name, 'utf8')
    const config = await loadConfig({
      file: { name, text, mode: 0o644 },
      env: { CREDENTIALS_DIRECTORY: '/run/credentials/fhirstorm.service', CLIENT_SECRET: token },
      readFile: readSecret,
    })
    assert.equal(config.registrations[0]?.id, 'general')
  })
}

test('[Z2] the unit of systemd gives fhirstorm what its configuration names, and nothing else', () => {
  const unit = readFileSync('examples/systemd/fhirstorm.service', 'utf8')
  const config = readFileSync('examples/systemd/fhirstorm.yaml', 'utf8')
  const given = [...unit.matchAll(/^LoadCredential=([\w-]+):/gm)].map(([, name]) => name)
  const named = [...config.matchAll(/\$\{CREDENTIALS_DIRECTORY\}\/([\w-]+)/g)].map(
    ([, name]) => name,
  )
  assert.deepEqual([...new Set(named)].sort(), given.toSorted())
  for (const line of [
    'DynamicUser=yes',
    'NoNewPrivileges=yes',
    'CapabilityBoundingSet=',
    'ProtectSystem=strict',
    'LimitCORE=0',
    'StateDirectory=fhirstorm',
    'ExecReload=/bin/kill -HUP $MAINPID',
  ]) {
    assert.ok(unit.split('\n').includes(line), line)
  }
  // The same options of Node as `npm start`.
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  for (const [option] of scripts.start.matchAll(/--[\w-]+(?:=\d+)?/g)) {
    assert.ok(unit.includes(option), option)
  }
  // Where systemd is there, it says itself.
  if (existsSync(ANALYZE)) {
    const analyze = (...words: string[]) =>
      spawnSync(ANALYZE, [...words, 'examples/systemd/fhirstorm.service'], { encoding: 'utf8' })
    assert.equal(analyze('security', '--offline=true', '--threshold=20').status, 0)
  }
  assert.match(unit, /FHIRSTORM_DATA_DIR=\/var\/lib\/fhirstorm/)
})

test('[Z2] the manifests for Kubernetes agree with each other, and with the drain', () => {
  const folder = 'examples/kubernetes'
  const kustomization = parse(readFileSync(`${folder}/kustomization.yaml`, 'utf8'))
  const files = globSync(`${folder}/*.yaml`).map(path => path.slice(folder.length + 1))
  const listed = [...kustomization.resources, ...kustomization.configMapGenerator[0].files]
  assert.deepEqual(files.filter(name => name !== 'kustomization.yaml').sort(), listed.sort())
  const documents = kustomization.resources.flatMap((name: string) =>
    parseAllDocuments(readFileSync(`${folder}/${name}`, 'utf8')).map(one => one.toJS()),
  )
  // biome-ignore lint/suspicious/noExplicitAny: manifests of many kinds
  const find = (kind: string): any => documents.find((one: { kind: string }) => one.kind === kind)
  const { spec } = find('Deployment').spec.template
  const [container] = spec.containers
  const labels = find('Deployment').spec.template.metadata.labels
  for (const selector of [
    find('Deployment').spec.selector.matchLabels,
    find('Service').spec.selector,
    find('PodDisruptionBudget').spec.selector.matchLabels,
    find('NetworkPolicy').spec.podSelector.matchLabels,
    find('PodMonitor').spec.selector.matchLabels,
  ]) {
    assert.deepEqual(selector, labels)
  }
  const ports = new Set(container.ports.map(({ name }: { name: string }) => name))
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    assert.ok(ports.has(container[probe].httpGet.port), probe)
  }
  assert.equal(container.readinessProbe.httpGet.path, '/readyz')
  assert.equal(container.livenessProbe.httpGet.path, '/healthz')
  const config = parse(readFileSync(`${folder}/fhirstorm.yaml`, 'utf8'))
  assert.ok(spec.terminationGracePeriodSeconds >= config.drainDelaySeconds + 30)
  assert.ok(config.drainDelaySeconds > container.readinessProbe.periodSeconds)
  const mounts = container.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath)
  for (const path of JSON.stringify(config).match(/\/run\/secrets\/[\w-]+/g) ?? []) {
    assert.ok(mounts.includes(path), path)
  }
  assert.equal(spec.volumes[1].secret.defaultMode, 0o440)
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  assert.equal(spec.securityContext.runAsNonRoot, true)
  assert.equal(spec.automountServiceAccountToken, false)
  assert.equal(spec.enableServiceLinks, false)
})

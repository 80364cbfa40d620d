// The Helm chart: with its values in place it is what examples/kubernetes says, whatever is set reaches a manifest, and
// wrong values are refused. Templates use a few forms of Helm's language alone, so that putting values in their place
// is all that Helm would do; where Helm is there, it says itself.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { loadConfig } from '../../program/config/load.ts'
import { makeKeyRing, printKeyRing } from '../../src/keys.ts'

// biome-ignore lint/suspicious/noExplicitAny: manifests and values of many kinds
type Tree = any

const CHART = 'deploy/helm/fhirstorm'
const values: Tree = parse(readFileSync(`${CHART}/values.yaml`, 'utf8'))
const RELEASE = 'records'

const lookUp = (all: Tree, path: string): Tree =>
  path.split('.').reduce((part: Tree, key) => {
    assert.ok(part !== null && typeof part === 'object' && key in part, `there is no value ${path}`)
    return part[key]
  }, all)

/** Every template with values in its places, as documents; fails for a form that it does not know. */
function fill(all: Tree): Tree[] {
  return globSync(`${CHART}/templates/*.yaml`).flatMap(file => {
    const text = readFileSync(file, 'utf8')
      .replace(
        /^\{\{- if \.Values\.([\w.]+) \}\}\n([\s\S]*?)^\{\{- end \}\}\n/gm,
        (_, path, part) => (lookUp(all, path) ? part : ''),
      )
      .replaceAll('{{ .Release.Name }}', RELEASE)
      .replace(/\{\{ \.Values\.([\w.]+) \| toJson \| quote \}\}/g, (_, path) =>
        JSON.stringify(JSON.stringify(lookUp(all, path))),
      )
      .replace(/\{\{ \.Values\.([\w.]+) \| toJson \}\}/g, (_, path) =>
        JSON.stringify(lookUp(all, path)),
      )
      .replace(/\{\{ \.Values\.([\w.]+) \}\}/g, (_, path) => String(lookUp(all, path)))
    assert.ok(!text.includes('{{'), `${basename(file)} has a form that nobody has looked at`)
    return parseAllDocuments(text)
      .map(document => {
        assert.deepEqual(document.errors, [], file)
        return document.toJS()
      })
      .filter(Boolean)
  })
}

const find = (documents: Tree[], kind: string) => documents.find(one => one?.kind === kind)

/** Values with one of them changed. */
function withValue(path: string, value: unknown): Tree {
  const changed = structuredClone(values)
  const keys = path.split('.')
  const last = keys.pop() as string
  const holder = keys.length === 0 ? changed : lookUp(changed, keys.join('.'))
  holder[last] = value
  return changed
}

test('[Z2] the chart comes to what the manifests of examples/kubernetes say', () => {
  const documents = fill(withValue('podMonitor.enabled', true))
  const examples = globSync('examples/kubernetes/*.yaml').flatMap(file =>
    parseAllDocuments(readFileSync(file, 'utf8')).map(one => one.toJS()),
  )
  for (const kind of [
    'Deployment',
    'Service',
    'PodDisruptionBudget',
    'NetworkPolicy',
    'PodMonitor',
  ]) {
    const made = structuredClone(find(documents, kind))
    const example = structuredClone(find(examples, kind))
    const plain = JSON.stringify(made)
      .replaceAll(`,"app.kubernetes.io/instance":"${RELEASE}"`, '')
      .replaceAll(`"name":"${RELEASE}"`, '"name":"fhirstorm"')
    const { image, imagePullPolicy, ...container } =
      JSON.parse(plain).spec.template?.spec.containers[0] ?? {}
    const bare = JSON.parse(plain)
    if (image) {
      assert.equal(image, `${values.image.repository}:${values.image.tag}`)
      assert.equal(imagePullPolicy, 'IfNotPresent')
      bare.spec.template.spec.containers = [{ ...container, image: 'fhirstorm' }]
    }
    assert.deepEqual(bare, example, kind)
  }
})

test('[Z2] every manifest selects the pods of its own release, and nothing of another', () => {
  const documents = fill(withValue('podMonitor.enabled', true))
  const { labels } = find(documents, 'Deployment').spec.template.metadata
  assert.deepEqual(labels, {
    'app.kubernetes.io/name': 'fhirstorm',
    'app.kubernetes.io/instance': RELEASE,
  })
  for (const selector of [
    find(documents, 'Deployment').spec.selector.matchLabels,
    find(documents, 'Deployment').spec.template.spec.topologySpreadConstraints[0].labelSelector
      .matchLabels,
    find(documents, 'Service').spec.selector,
    find(documents, 'PodDisruptionBudget').spec.selector.matchLabels,
    find(documents, 'NetworkPolicy').spec.podSelector.matchLabels,
    find(documents, 'PodMonitor').spec.selector.matchLabels,
  ]) {
    assert.deepEqual(selector, labels)
  }
})

test('[Z6] the configuration in the chart is sound, and what it names is mounted', async () => {
  const documents = fill(values)
  const text = find(documents, 'ConfigMap').data['fhirstorm.yaml']
  const ring = printKeyRing(makeKeyRing(0, randomBytes))
  const token = randomBytes(24).toString('base64')
  const config = await loadConfig({
    ...{ file: { name: 'fhirstorm.yaml', text, mode: 0o644 }, env: {} },
    async readFile(path) {
      assert.ok(path.startsWith('/run/secrets/fhirstorm/'), path)
      if (path.includes('keys')) return ring
      return path.includes('url') ? 'rediss://:a-password@redis.example.org:6379' : token
    },
  })
  const { spec } = find(documents, 'Deployment').spec.template
  assert.ok(spec.terminationGracePeriodSeconds >= config.drainDelaySeconds + 30)
  assert.ok(config.drainDelaySeconds > spec.containers[0].readinessProbe.periodSeconds)
  assert.equal(spec.volumes[1].secret.defaultMode, 0o440)
  assert.equal(spec.volumes[1].secret.secretName, values.secretName)
  assert.ok(config.watch, 'a change of the secret needs no restart')
})

test('[Z2] whatever is set changes a manifest, and nothing is made that was not asked for', () => {
  const usual = JSON.stringify(fill(values))
  for (const [path, value] of [
    ['replicas', 3],
    ['image.repository', 'other.example.org/fhirstorm'],
    ['image.tag', '9.9.9'],
    ['image.pullPolicy', 'Always'],
    ['secretName', 'other'],
    ['config.publicUrl', 'https://other.example.org'],
    ['terminationGracePeriodSeconds', 90],
    ['resources.limits.memory', '2Gi'],
    ['disruptionBudget.minAvailable', 2],
    ['networkPolicy.enabled', false],
    ['networkPolicy.ingressNamespace', 'traefik'],
    ['networkPolicy.monitoringNamespace', 'prometheus'],
    ['networkPolicy.redisPort', 6380],
    ['networkPolicy.ehrPort', 8443],
    ['podMonitor.enabled', true],
  ] as const) {
    assert.notEqual(JSON.stringify(fill(withValue(path, value))), usual, path)
  }
  assert.equal(find(fill(values), 'PodMonitor'), undefined)
  assert.equal(find(fill(withValue('networkPolicy.enabled', false)), 'NetworkPolicy'), undefined)
})

test('[Z6] values are held to their schema', () => {
  const judge = new Ajv({ strict: true, strictRequired: false }).compile(
    JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')),
  )
  assert.ok(judge(values), JSON.stringify(judge.errors))
  for (const [path, value] of [
    ['replicas', 0],
    ['replicas', '2'],
    ['image.tag', ''],
    ['image.repository', '{{ evil }}'],
    ['image.other', 1],
    ['secretName', 'a b'],
    ['config.publicUrl', 'http://app.example.org'],
    ['config.vault', { kind: 'sqlite', path: '/data/vault.db' }],
    ['config.admin', { port: 5009 }],
    ['config.listen', { port: 8080 }],
    ['config.ehrs', []],
    ['terminationGracePeriodSeconds', 5],
    ['networkPolicy.ehrPort', 0],
    ['networkPolicy.ingressNamespace', 'a\nb: c'],
    ['secretname', 'fhirstorm'],
  ] as const) {
    assert.ok(!judge(withValue(path, value)), `${path}: ${JSON.stringify(value)}`)
  }
})

test('[Z2] the chart is of this version', () => {
  const chart = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8'))
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  assert.deepEqual([chart.version, chart.appVersion, values.image.tag], [version, version, version])
})

test('[Z2] Helm renders the same', { skip: spawnSync('helm', ['version']).status !== 0 }, () => {
  const helm = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('helm', args, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    return stdout
  }
  helm('lint', CHART)
  const rendered = parseAllDocuments(helm('template', RELEASE, CHART)).map(one => one.toJS())
  const sorted = (documents: Tree[]) =>
    documents
      .filter(Boolean)
      .map(one => stringify(one, { sortMapEntries: true }))
      .sort()
  assert.deepEqual(sorted(rendered), sorted(fill(values)))
})

// The alert rules, the dashboard and the guide for operators, held against a scrape of the running product
// and against its codes: a query that names what is not there would be silent for ever.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { parse } from 'yaml'
import { describeFault, faultCodes } from '../../src/errors.ts'
import { crewMetrics, gauges, processMetrics } from '../../src/measures.ts'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { findPort } from '../world/port.ts'
import { readSamples, type Sample } from '../world/scrape.ts'
import { createWorld, type World } from '../world/world.ts'

const guide = readFileSync('docs/operations.md', 'utf8')

let world: World
let samples: Sample[]
/** Labels of each metric that is announced, those without a sample yet included. */
let known: Map<string, Set<string>>
before(async () => {
  const port = await findPort()
  world = await createWorld({
    sandbox: {
      faces: [{ name: 'strict', about: 'Refuses.', refusesAuthorization: 'access_denied' }],
    },
    configure(document, sandbox) {
      const [general] = document.ehrs
      document.admin = { port }
      document.ehrs.push({ ...general, id: 'strict', iss: `${sandbox}/faces/strict/fhir` })
    },
  })
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw?a=%zz`)
  await browser.navigate(`${world.app}/login?ehr=strict`)
  const { smartMetrics, smartAvailability } = world.product
  smartMetrics.tell({ act: 'renewal', ehr: 'general', reason: 'renewed' })
  smartMetrics.noteFault(new TypeError('a fault'))
  smartMetrics.countAudit('lost')
  smartAvailability?.note('general', false, 'upstream_timeout')
  // A sample of what has labels is there once something has flowed; these two have an EHR as theirs.
  samples = readSamples(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
  known = new Map()
  for (const { name, labels } of samples) {
    known.set(name, new Set([...(known.get(name) ?? []), ...Object.keys(labels)]))
  }
  // What a primary counts is there where several processes serve (test/faults/processes-change.test.ts).
  for (const [name, { labels }] of Object.entries({
    ...gauges,
    ...processMetrics,
    ...crewMetrics,
  })) {
    known.set(name, new Set(labels))
  }
  // Where audit events go to a FHIR server (test/plugins/small.test.ts).
  known.set('fhirstorm_audit_deliveries_total', new Set(['outcome']))
})
after(() => world.close())

const WORDS = new Set(
  'sum min max avg count absent rate increase histogram_quantile time by without on ignoring or and unless bool'.split(
    ' ',
  ),
)

/** The metrics that a query names, each with the labels that it selects by; and those it groups by. */
function readQuery(query: string) {
  const texts = query.replace(/"(?:[^"\\]|\\.)*"/g, '""')
  const grouped = [...texts.matchAll(/\b(?:by|without)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map(label => label.trim()),
  )
  const rest = texts.replace(/\b(?:by|without)\s*\([^)]*\)/g, ' ').replace(/\[\w+\]/g, ' ')
  const metrics = [...rest.matchAll(/\b([a-z_][\w]*)(?:\{([^}]*)\})?/gi)]
    .filter(([, name = '']) => !WORDS.has(name))
    .map(([, name = '', inner = '']) => ({
      name,
      selected: [...inner.matchAll(/(\w+)\s*[=!]~?/g)].map(([, label = '']) => label),
    }))
  return { metrics, grouped }
}

function holdQuery(query: string, where: string): void {
  const { metrics, grouped } = readQuery(query)
  assert.ok(metrics.length > 0, `${where}: ${query}`)
  for (const { name, selected } of metrics) {
    const labels = known.get(name)
    assert.ok(labels, `${where}: no metric is called ${name}`)
    for (const label of [...selected, ...grouped]) {
      assert.ok(labels.has(label), `${where}: ${name} has no label ${label}`)
    }
  }
}

test('[OB4] every alert rule asks for what a scrape has, and leads to the guide', () => {
  const { groups } = parse(readFileSync('examples/operations/alerts.yaml', 'utf8'))
  for (const { rules } of groups) {
    assert.ok(rules.length >= 10)
    for (const { alert, expr, annotations } of rules) {
      holdQuery(expr, alert)
      assert.match(annotations.runbook, /^docs\/operations\.md, /)
      for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
        assert.ok(readQuery(expr).grouped.includes(label), `${alert}: ${label}`)
      }
      for (const [, code = ''] of expr.matchAll(/\bcode=~?"([^"]+)"/g)) {
        for (const one of code.split('|')) assert.ok((faultCodes as string[]).includes(one), one)
      }
    }
  }
})

test('[OB4] every panel of the dashboard asks for what a scrape has', () => {
  const { panels } = JSON.parse(readFileSync('examples/operations/dashboard.json', 'utf8'))
  assert.ok(panels.length >= 12)
  for (const { title, targets } of panels) {
    for (const { expr, legendFormat } of targets) {
      holdQuery(expr, title)
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.ok(readQuery(expr).grouped.includes(label), `${title}: ${label}`)
      }
    }
  }
})

test('[OB4] a query for what is not there does not pass', () => {
  assert.throws(() => holdQuery('rate(http_requests_total[5m])', 'x'), /no metric/)
  assert.throws(() => holdQuery('fhirstorm_up{instance_name="a"}', 'x'), /no label/)
  assert.throws(() => holdQuery('sum by (nothing) (fhirstorm_up)', 'x'), /no label/)
})

test('[OB4] the guide names every metric of ours with its labels, and none that is not there', () => {
  const families = new Set(
    [...known.keys()].map(name => name.replace(/_(?:bucket|sum|count)$/, '')),
  )
  const ours = [...families].filter(name => /^(?:fhirstorm|http)_/.test(name))
  for (const name of ours) {
    const row = guide
      .split('\n')
      .find(line => line.startsWith('| `') && line.includes(`\`${name}\``))
    assert.ok(row, `${name} is not in docs/operations.md`)
    const labels = known.get(name) ?? known.get(`${name}_count`) ?? new Set<string>()
    for (const label of labels) assert.ok(row.includes(`\`${label}\``), `${name}: ${label}`)
  }
  for (const [name] of guide.matchAll(/\b(?:fhirstorm|http_(?:server|client))_\w+\b/g)) {
    if (/^http_(?:request|response|route)/.test(name)) continue
    assert.ok(families.has(name), `${name} is in docs/operations.md alone`)
  }
})

test('[OB4] the runbook has every code with its status, and no other', () => {
  const part = guide.slice(guide.indexOf('## Runbook'))
  const rows = [...part.matchAll(/^\| `(\w+)` \| (\d+) \| (.+) \| (.+) \|$/gm)]
  assert.deepEqual(rows.map(([, code]) => code).sort(), [...faultCodes].sort())
  for (const [, code, status] of rows) {
    assert.equal(Number(status), describeFault(code as (typeof faultCodes)[number]).status, code)
  }
})

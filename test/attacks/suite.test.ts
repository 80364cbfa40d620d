// The attack suite against the product: every row that can be told from outside, over HTTP at the root
// with the façade, and those about connections over TLS below a path.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { createAuthority } from '../network/certificates.ts'
import { untold } from './outside.ts'
import { createProduct, findPlaces } from './product.ts'
import type { Finding } from './row.ts'
import { rows } from './rows/rows.ts'
import { runSuite } from './suite.ts'
import { printFinding } from './table.ts'

describe('the product under attack', () => {
  let findings: Finding[] = []
  before(async () => {
    const config = await findPlaces()
    const broker = await createProduct(config)
    try {
      await broker.start()
      findings = await runSuite({ target: broker.app, config })
    } finally {
      await broker.close()
    }
  })

  for (const { id, also = [], what, needs } of rows) {
    if (needs === 'tls') continue
    test(`[${[id, ...also].join(', ')}] from outside: ${what}`, () => {
      const own = findings.filter(finding => finding.row === id && finding.what === what)
      assert.equal(own.length, 1)
      for (const finding of own) assert.equal(finding.outcome, 'held', printFinding(finding))
    })
  }
})

describe('the product under attack over TLS, below a path', () => {
  const only = ['K1', 'K20', 'K5', 'L23', 'C15', 'X4', 'P4', 'P6', 'P15', 'R2', 'O4', 'G11']
  let findings: Finding[] = []
  before(async () => {
    const config = await findPlaces()
    const authority = createAuthority()
    const tls = authority.issue('DNS:localhost')
    const broker = await createProduct(config, { prefix: '/bff', tls })
    try {
      await broker.start()
      findings = await runSuite({ target: broker.app, config, only, ca: authority.ca })
    } finally {
      await broker.close()
    }
  })
  for (const id of only) {
    test(`[${id}] holds there too`, () => {
      const own = findings.filter(({ row }) => row === id)
      assert.equal(own.length, 1)
      for (const finding of own) assert.equal(finding.outcome, 'held', printFinding(finding))
    })
  }
})

test('what is asked and what cannot be stands in the catalogue, and nothing is both', () => {
  const catalogue: { id: string }[] = JSON.parse(
    readFileSync('docs/catalogue/attacks.json', 'utf8'),
  )
  const known = new Set(catalogue.map(({ id }) => id))
  const asked = rows.flatMap(({ id, also = [] }) => [id, ...also])
  const left = untold.flatMap(({ ids }) => ids)
  assert.deepEqual(
    [...asked, ...left].filter(id => !known.has(id)),
    [],
  )
  assert.deepEqual(
    left.filter((id, i) => asked.includes(id) || left.indexOf(id) !== i),
    [],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { classifyName } from '../../src/network/local-names.ts'

const kindOf = (name: string) => classifyName(name, 'Box.example.org')

test('[L25] names of this machine and of metadata services are known in any case, with or without dots behind', () => {
  const rows = {
    loopback: [
      ...['localhost', 'a.localhost', 'a.b.localhost', 'localhost.localdomain', 'ip6-loopback'],
      ...['localhost6', 'box', 'box.example.org'],
    ],
    forbidden: ['metadata.google.internal', 'metadata', 'instance-data', 'metadata.azure.internal'],
    private: ['ehr', 'ehr.local', 'fhir.internal', 'a.lan', 'x.home.arpa', 'kubernetes', 'a.corp'],
    public: [
      ...['ehr.example.org', 'localhost.example.org', 'metadata.example.org', 'example.local.org'],
      ...['xlocalhost.org', 'box.example.com', 'internal.example.org', 'home.example', 'ehr.test'],
    ],
  }
  for (const [kind, names] of Object.entries(rows)) {
    for (const name of names) {
      for (const spelt of [name, name.toUpperCase(), `${name}.`, `${name}..`]) {
        assert.equal(kindOf(spelt), kind, spelt)
      }
    }
  }
  assert.equal(classifyName('ehr.example.org', ''), 'public')
})

test('[L25] whatever stands before it, a name below localhost is this machine', () => {
  const label = fc.stringMatching(/^[a-z0-9-]{1,10}$/)
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), labels => {
      assert.equal(kindOf(`${labels.join('.')}.localhost`), 'loopback')
    }),
  )
})

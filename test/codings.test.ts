// Content-Encodings as servers write them: read where all of them can be undone and there are not too many.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCodings } from '../src/codings.ts'

test('a word that names no coding means none, a list without end is not read', () => {
  for (const none of [undefined, '', 'identity', 'utf-8', 'identity, x, y, UTF-8']) {
    assert.deepEqual(readCodings(none), [], none)
  }
  assert.deepEqual(readCodings('GZIP, identity , br,x-gzip'), ['gzip', 'br', 'gzip'])
  const many = ['gzip,br,gzip,br', 'x,x,x,x,x', ',,,,', `${'x,'.repeat(10_000)}gzip`]
  for (const bad of ['compress', 'gzip, compress', ...many]) {
    assert.equal(readCodings(bad), undefined, bad.slice(0, 40))
  }
})

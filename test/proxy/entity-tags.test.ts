// Tags go out as weak ones where the EHR's are strong, and come back as the EHR wrote them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAnswerJudge } from '../../src/proxy/answer.ts'
import { createTagHabits, strengthen, weaken } from '../../src/proxy/entity-tags.ts'
import { buildRequestHeaders } from '../../src/proxy/headers.ts'
import { createJudge } from '../../src/proxy/judges.ts'
import type { Grammar } from '../../src/proxy/written.ts'
import { base, ours, whose } from './judging.ts'

const opaque = fc
  .array(fc.constantFrom(...'abc012W/,.-*~ '), { maxLength: 8 })
  .map(parts => `"${parts.join('').replaceAll(' ', '')}"`)

/** One EHR, as the proxy meets it. */
function createEhr() {
  const tags = createTagHabits()
  const { judge } = createAnswerJudge({ bases: [base], rewrite: true, collectBytes: 1000, tags })
  return {
    tags,
    /** What the client is told of a tag. */
    tell(
      path: string,
      etag: string,
      how: { method?: string; status?: number; type?: string } = {},
    ) {
      const { method = 'GET', status = 200, type = 'application/fhir+json' } = how
      const asked = { method, target: { path, query: '' }, ours, traces: [] }
      const { headers } = judge(asked, status, type ? { 'content-type': type, etag } : { etag })
      return headers[headers.indexOf('etag') + 1] as string
    },
    /** What the EHR is told of the same. */
    ask(path: string, headers: Record<string, string>) {
      const sent = buildRequestHeaders(headers, {
        authorization: 'Bearer x',
        target: { path, query: '' },
        acceptEncoding: 'identity',
        whose: { ...whose, tags },
      })
      const at = (name: string) => (sent.includes(name) ? sent[sent.indexOf(name) + 1] : undefined)
      return {
        match: at('if-match'),
        none: at('if-none-match'),
        range: at('range'),
        ifRange: at('if-range'),
      }
    },
    batch(grammar: Grammar, body: string) {
      const rules = { whose: { ...whose, tags }, entriesBelow: base }
      const judging = createJudge(grammar, { name: '' }, rules)
      judging.push(Buffer.from(body))
      judging.end()
      return judging.edits.applyTo(body)
    },
  }
}

test('[Q56] a list of tags comes back as the EHR wrote it, strong or weak', () => {
  const kinds = fc.record({
    isStrong: fc.boolean(),
    list: fc.array(opaque, { minLength: 1, maxLength: 4 }),
  })
  fc.assert(
    fc.property(kinds, ({ isStrong, list }) => {
      const ehr = createEhr()
      const theirs = list.map(tag => (isStrong ? tag : `W/${tag}`))
      const told = theirs.map(tag => ehr.tell('/Patient/1', tag))
      assert.deepEqual(
        told,
        list.map(tag => `W/${tag}`),
      )
      for (const separator of [', ', ',']) {
        const { match, none } = ehr.ask('/Patient/1', {
          'if-match': told.join(separator),
          'if-none-match': told.join(separator),
        })
        assert.equal(match, theirs.join(separator))
        assert.equal(none, theirs.join(separator))
      }
      assert.equal(strengthen(told.map(weaken).join(',')), list.join(','))
    }),
  )
})

test('[Q56] habits are those of a kind of thing: resources of a type, lists, operations, files', () => {
  const ehr = createEhr()
  const back = (path: string) => ehr.ask(path, { 'if-match': 'W/"1"' }).match
  assert.equal(back('/Patient/1'), 'W/"1"', 'nothing is known')
  ehr.tell('/Patient/1', 'W/"1"')
  ehr.tell('/Patient', '"list"')
  ehr.tell('/Observation', '"7"', { method: 'POST', status: 201 })
  ehr.tell('/Binary/1', 'W/"1"', { type: 'image/png' })
  assert.equal(back('/Patient/2'), 'W/"1"')
  assert.equal(back('/Patient'), '"1"')
  assert.equal(back('/Observation/9'), '"1"')
  assert.equal(back('/Binary/1'), 'W/"1"')
  assert.equal(back('/Binary/1/_history/2'), 'W/"1"')
  assert.equal(back('/Encounter/1'), '"1"', 'what was seen last of any resource')
  ehr.tell('/Observation/9', 'none')
  assert.equal(back('/Observation/9'), '"1"', 'what is no tag says nothing')
})

test('[Q56] answers without content tell tags like those with it', () => {
  const ehr = createEhr()
  assert.equal(ehr.tell('/Patient/1', '"1"', { status: 304, type: '' }), 'W/"1"')
  assert.equal(ehr.tell('/Patient/1', '"2"', { method: 'PUT', type: '' }), 'W/"2"')
  assert.equal(ehr.tell('/Binary/1', '"3"', { status: 304, type: '' }), '"3"')
  assert.equal(ehr.tell('/Binary/1', '"3"', { type: 'image/png' }), '"3"')
})

test('[Q56] a part of a file is never put to a whole that was rewritten', () => {
  const ehr = createEhr()
  const range = 'bytes=5-'
  const told = ehr.tell('/Binary/1', '"1"')
  const { range: asked, ifRange } = ehr.ask('/Binary/1', { range, 'if-range': told })
  assert.deepEqual([told, asked, ifRange], ['W/"1"', undefined, undefined])
  const strong = ehr.ask('/Binary/1', { range, 'if-range': '"1"' })
  assert.deepEqual([strong.range, strong.ifRange], [range, '"1"'])
  assert.equal(ehr.ask('/Binary/1', { range }).range, range)
})

test('[Q56] entries of a batch name tags as the EHR writes them; versions in resources stay', () => {
  const json = (tag: string) =>
    JSON.stringify({
      entry: [
        { resource: { meta: { versionId: 'W/"3"' } }, request: { ifMatch: tag, url: 'Patient/1' } },
      ],
    })
  const xml = (tag: string) =>
    `<Bundle><entry><resource><versionId value='W/"3"'/></resource><request><ifMatch value='${tag}'/><ifNoneMatch value='${tag}'/></request></entry></Bundle>`
  for (const isStrong of [true, false]) {
    const ehr = createEhr()
    ehr.tell('/Patient/1', isStrong ? '"3"' : 'W/"3"')
    const expected = isStrong ? '"3"' : 'W/"3"'
    assert.equal(ehr.batch('json', json('W/"3"')), json(expected))
    const sent = ehr.batch('xml', xml('W/"3"'))
    assert.equal(sent.replaceAll('&#34;', '"'), xml(expected))
  }
})

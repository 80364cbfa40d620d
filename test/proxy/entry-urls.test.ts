import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BundlePlace, enter } from '../../src/proxy/entry-urls.ts'
import { base, judge, ours, theirs } from './judging.ts'

const photo = 'https://other.example/p.png'

const jsonOf = (...urls: unknown[]) =>
  JSON.stringify({
    resourceType: 'Bundle',
    type: 'batch',
    entry: urls.map(url => ({
      resource: { resourceType: 'Patient', photo: [{ url: photo }] },
      request: { method: 'GET', url },
    })),
  })

const xmlOf = (url: string) =>
  [
    '<Bundle xmlns="http://hl7.org/fhir"><entry>',
    `<resource><Patient><photo><url value="${photo}"/></photo></Patient></resource>`,
    `<request><method value="GET"/><url value="${url}"/></request>`,
    '</entry></Bundle>',
  ].join('')

const batch = (grammar: 'json' | 'xml', body: string, type = '') =>
  judge(grammar, body, { isBatch: true, restores: false, type }).code

test('[SC-22] entries may ask for anything below the base', () => {
  const urls = [
    ...['Patient/1', '/Patient/1', 'Patient?name=http://x', '', '$everything'],
    ...[`${base}/Patient/1`, base, `${base}?a=b`],
  ]
  assert.equal(batch('json', jsonOf(...urls)), undefined)
  for (const url of urls) assert.equal(batch('xml', xmlOf(url)), undefined, url)
})

test('[SC-22, AL-53, P12] no entry names another server or climbs', () => {
  const urls = [
    ...['https://evil.example/Patient/1', '//evil.example/x', '\\\\evil', 'http:evil', '../x'],
    ...['Patient/../../x', 'Patient/%2e%2e/x', 'a%2fb', `${base}x/Patient`, `${base}/../admin`],
    ...[`${base}//x`, 'urn:uuid:1', 'javascript:x'],
  ]
  for (const url of urls) {
    assert.equal(batch('json', jsonOf('Patient/1', url)), 'foreign_reference', url)
    assert.equal(batch('xml', xmlOf(url)), 'foreign_reference', url)
  }
})

test('[P12, P32] a URL of an entry that is longer than what is judged of a value is refused', () => {
  const long = `Patient?name=${'x'.repeat(70_000)}`
  assert.equal(batch('json', jsonOf(long)), 'body_invalid')
  assert.equal(batch('xml', xmlOf(long)), 'body_invalid')
})

test('[P12, P32] however a batch is written in JSON, its entries are seen', () => {
  const evil = '"https://evil.example/"'
  const bodies = [
    `{"resourceType":"Bundle","entry":[{"request":{"\\u0075rl":${evil}}}]}`,
    `{"resourceType":"Bundle","entry":[{"request":{"url":"https:\\u002f\\u002Fevil.example\\/"}}]}`,
    `{"entry":[{"request":{"url":${evil}}}],"resourceType":"Bundle"}`,
    `{"Entry":[{"REQUEST":{"Url":${evil}}}]}`,
    `{"entry":{"request":{"url":${evil}}}}`,
    `{"entry":[[{"request":[{"url":[${evil}]}]}]]}`,
    `{"entry":[{"request":{"method":"POST","url":""},"resource":{"entry":[{"request":{"url":${evil}}}]}}]}`,
    `{"resourceType":"Bundle","entry":[{"request":{"url":"Patient/1"}},{"request":{"url":${evil}}}]}`,
  ]
  for (const body of bodies) assert.equal(batch('json', body), 'foreign_reference', body)
  const lines = `{"resourceType":"Bundle"}\n${bodies[0]}\n`
  assert.equal(batch('json', lines, 'application/fhir+ndjson'), 'foreign_reference')
  const twice = [
    `{"entry":[{"request":{"url":"Patient/1","url":${evil}}}]}`,
    `{"entry":[{"request":{"url":${evil},"url":"Patient/1"}}]}`,
    `{"entry":[],"entry":[{"request":{"url":${evil}}}]}`,
  ]
  for (const body of twice)
    assert.match(batch('json', body) ?? '', /body_invalid|foreign_reference/)
  const unread = [
    ...[`\ufeff${bodies[2]}`, `${bodies[2]}x`, `/**/${bodies[2]}`, `${bodies[2]}//`],
    ...[
      Buffer.from(bodies[2] ?? '', 'utf16le').toString('latin1'),
      `[${bodies[2]}`,
      `x${bodies[2]}`,
    ],
  ]
  for (const body of unread) {
    assert.match(batch('json', body) ?? '', /body_invalid|foreign_reference/, body)
  }
})

test('[P12, P32] however a batch is written in XML, its entries are seen', () => {
  const evil = 'value="https://evil.example/"'
  const around = (inner: string) =>
    `<Bundle xmlns="http://hl7.org/fhir"><entry>${inner}</entry></Bundle>`
  const bodies = [
    around(`<request><url id="value='Patient/1'" ${evil}/></request>`),
    around(`<request><url id="a>b" ${evil}/></request>`),
    around(`<request a=">"><url\n\tvalue\n=\n'https://evil.example/'></url></request>`),
    around(`<request><!-- </request> --><url ${evil}/></request>`),
    around(`<request><?x </request> ?><url ${evil}/></request>`),
    around('<request><url value="&#104;ttps:&#x2f;/evil.example/"/></request>'),
    around(`<request><url value="Patient/1"/><url ${evil}/></request>`),
    around(`<REQUEST><URL ${evil}/></REQUEST>`),
    around(
      `<resource><Bundle><entry><request><url ${evil}/></request></entry></Bundle></resource>`,
    ),
    `<é:Bundle xmlns:é="http://hl7.org/fhir"/>`,
    `<f:Bundle xmlns:f="http://hl7.org/fhir"><f:entry><f:request><f:url ${evil}/></f:request></f:entry></f:Bundle>`,
    `<Bundle xmlns="http://hl7.org/fhir" xmlns:a.b-c="http://hl7.org/fhir"><a.b-c:entry><request><url ${evil}/></request></a.b-c:entry></Bundle>`,
    `<?xml version="1.0" encoding="UTF-16"?>${around('')}`,
    `<?xml version="1.0" encoding="utf-7"?>${around('')}`,
    `<?xml version="1.1"?>${around('')}`,
    `<!DOCTYPE Bundle [<!ENTITY u "https://evil.example/">]>${around('<request><url value="&u;"/></request>')}`,
    `<!DOCTYPE Bundle>${around('')}`,
    `\ufeff${around('')}`,
    ...[
      `${around('')}x`,
      `${around('')}<a/>`,
      `x${around('')}`,
      around('<a>'),
      around('<a b="1" b="2"/>'),
    ],
    ...[around('<a b="<"/>'), around('<p:a/>'), around('&x;'), around('\u0000'), '', '<Bundle'],
  ]
  for (const body of bodies) {
    assert.match(batch('xml', body) ?? '', /body_invalid|foreign_reference/, body)
  }
  assert.equal(batch('xml', around('<!-- x --><![CDATA[x]]><?x y?>')), undefined)
})

test('what is no Bundle is for the EHR to judge, as long as it can be read', () => {
  for (const body of [
    'null',
    '{}',
    '"x"',
    '[1]',
    '{"resourceType":"Bundle"}',
    '{"url":"https://x/"}',
  ]) {
    assert.equal(batch('json', body), undefined, body)
  }
  assert.equal(batch('json', '{"resourceType":"Bundle","entry":[null,1,{}]}'), undefined)
  assert.equal(batch('json', jsonOf(1, null, { x: 1 })), undefined)
  assert.equal(batch('xml', '<Bundle/>'), undefined)
})

test('[P31] our address in what an entry asks for becomes the EHR’s, and nobody else’s does', () => {
  const entry = (url: string, condition: string) =>
    JSON.stringify({ entry: [{ request: { url, ifNoneExist: condition } }] })
  const asked = entry(`${ours}/Patient/1`, `subject=${ours}/Patient/1&x=é`)
  const restored = entry(`${base}/Patient/1`, `subject=${base}/Patient/1&x=é`)
  assert.deepEqual(judge('json', asked, { isBatch: true }), { sent: restored })
  const search = entry(`Observation?subject=${encodeURIComponent(`${ours}/Patient/1`)}`, 'é')
  assert.deepEqual(judge('json', search, { isBatch: true }), {
    sent: entry(`Observation?subject=${encodeURIComponent(`${base}/Patient/1`)}`, 'é'),
  })
  for (const url of [`${theirs}/Patient/1`, `Observation?subject=${theirs}/Patient/1`]) {
    for (const body of [
      entry(url, ''),
      entry(url.replace(/\//g, '%2F'), ''),
      entry('x', `a=${theirs}`),
    ]) {
      assert.deepEqual(judge('json', body, { isBatch: true }), { code: 'foreign_reference' }, body)
    }
  }
  const xml = xmlOf(`Observation?subject=${ours}/Patient/1&amp;a=&quot;`)
  assert.deepEqual(judge('xml', xml, { isBatch: true }), {
    sent: xmlOf(`Observation?subject=${base}/Patient/1&#38;a=&#34;`),
  })
})

test('[P12, P32] any document: an entry that JSON.parse finds is judged', () => {
  const name = fc.constantFrom('entry', 'request', 'url', 'resource', 'x', 'resourceType')
  const leaf = fc.constantFrom<unknown>('Patient/1', 'https://evil.example/', 'Bundle', 1, null)
  const { item } = fc.letrec(tie => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(name, tie('tree'), { maxKeys: 4 }),
    ),
    item: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      tie('tree'),
      fc.record({ resource: tie('bundle'), request: tie('request') }),
      fc.record({ x: tie('tree'), request: tie('request') }),
    ),
    request: fc.oneof(tie('tree'), fc.record({ method: leaf, url: leaf })),
    bundle: fc.oneof(tie('tree'), fc.record({ entry: fc.array(tie('item'), { maxLength: 3 }) })),
  }))
  const isEvil = (bundle: unknown): boolean => {
    const { entry } = Object(bundle) as { entry?: unknown }
    return (
      Array.isArray(entry) &&
      entry.some(item => {
        const { request, resource } = Object(item) as { request?: unknown; resource?: unknown }
        return (
          (Object(request) as { url?: unknown }).url === 'https://evil.example/' || isEvil(resource)
        )
      })
    )
  }
  let evil = 0
  fc.assert(
    fc.property(fc.array(item, { maxLength: 4 }), fc.nat(7), (entry, size) => {
      const bundle = { resourceType: 'Bundle', entry }
      if (!isEvil(bundle)) return
      evil++
      const { code } = judge('json', JSON.stringify(bundle), { isBatch: true, pieces: [size + 1] })
      assert.equal(code, 'foreign_reference')
    }),
    { numRuns: 2000 },
  )
  assert.ok(evil > 20, `${evil}`)
})

test('a place is told by names alone, whatever lies around them', () => {
  const places: BundlePlace[] = ['elsewhere', 'entry', 'request', 'url', 'condition']
  for (const place of places) {
    assert.equal(enter(place, 'entry'), 'entry')
    assert.equal(enter(place, 'x'), 'elsewhere')
    assert.equal(enter(place, 'reque\u017ft'), place === 'entry' ? 'request' : 'elsewhere')
    assert.equal(enter(place, 'url'), place === 'request' ? 'url' : 'elsewhere')
    assert.equal(enter(place, 'ifnoneexist'), place === 'request' ? 'condition' : 'elsewhere')
  }
})

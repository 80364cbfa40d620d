import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyEntryUrls } from '../../src/proxy/entry-urls.ts'
import { refusalOf } from './refusal.ts'

const base = 'https://ehr.example.org/fhir/r4'
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

const judge = (kind: 'json' | 'xml', body: string) =>
  refusalOf(() => verifyEntryUrls(kind, body, base))

test('[SC-22] entries may ask for anything below the base', () => {
  const urls = [
    ...['Patient/1', '/Patient/1', 'Patient?name=http://x', '', '$everything'],
    ...[`${base}/Patient/1`, base, `${base}?a=b`],
  ]
  assert.equal(judge('json', jsonOf(...urls)), undefined)
  for (const url of urls) assert.equal(judge('xml', xmlOf(url)), undefined, url)
})

test('[SC-22, AL-53, P12] no entry names another server or climbs', () => {
  const urls = [
    ...['https://evil.example/Patient/1', '//evil.example/x', '\\\\evil', 'http:evil', '../x'],
    ...['Patient/../../x', 'Patient/%2e%2e/x', 'a%2fb', `${base}x/Patient`, `${base}/../admin`],
    ...[`${base}//x`, 'urn:uuid:1', 'javascript:x'],
  ]
  for (const url of urls) {
    assert.equal(judge('json', jsonOf('Patient/1', url)), 'foreign_reference', url)
    assert.equal(judge('xml', xmlOf(url)), 'foreign_reference', url)
  }
  const prefixed = `<f:request id="a"><f:url\n value = 'https://evil.example/'/></f:request>`
  assert.equal(judge('xml', `<f:Bundle>${prefixed}</f:Bundle>`), 'foreign_reference')
  const hidden = xmlOf('https://evil.example/').replace('<url', '<!-- </request> --><url')
  assert.equal(judge('xml', hidden), 'foreign_reference')
})

test('what is no Bundle is for the EHR to judge', () => {
  const bodies = ['', '[', 'null', '{}', '"x"', '[1]', '{"resourceType":"Bundle"}']
  for (const body of bodies) assert.equal(judge('json', body), undefined)
  const odd = '{"resourceType":"Bundle","entry":[null,1,{}]}'
  assert.equal(judge('json', odd), undefined)
  assert.equal(judge('json', jsonOf(1, null, ['x'])), undefined)
  assert.equal(judge('xml', '<Bundle/>'), undefined)
})

test('[DS3, DS4] neither depth nor length is a weapon', () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  assert.equal(judge('json', `{"resourceType":"Bundle","entry":${deep}}`), undefined)
  for (const piece of ['<request ', '<request><url ', '<!--', '<url value']) {
    assert.equal(judge('xml', piece.repeat(200_000)), undefined)
  }
})

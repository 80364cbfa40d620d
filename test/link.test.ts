import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildLinkHeader, type Link } from '../src/link.ts'
import { toUri } from '../src/uri.ts'

const address = fc.stringMatching(
  /^https:\/\/[a-z]{1,9}\.example(?:\/[A-Za-z0-9._~!$&'()*+,;=:@-]{0,9}){0,3}(?:\?[a-z=&]{0,9}(?:%2F)?)?(?:#[a-z]{0,5})?$/,
)
// Any code units, in pairs or not; fast-check's own unit takes seconds to begin.
const codeUnits = fc
  .array(fc.nat(0xffff), { maxLength: 30 })
  .map(codes => String.fromCharCode(...codes))

/** RFC 8288, strictly: what any reader makes of a Link header, or undefined when it is none. */
function readLinks(value: string): Link[] | undefined {
  const links: Link[] = []
  let rest = value
  while (rest !== '') {
    const found = /^<([A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*)>; rel="([a-z0-9.-]+)"(?:, |$)/.exec(
      rest,
    )
    if (!found) return undefined
    links.push({ url: found[1] as string, rel: found[2] as string })
    rest = rest.slice(found[0].length)
  }
  return links
}

test('[R23] an address of an EHR is one link, whatever stands in it', () => {
  const injection = 'https://own.example/x>;rel="preload";as="script",<https://other.example/y'
  assert.equal(
    buildLinkHeader([{ url: injection, rel: 'help' }]),
    '<https://own.example/x%3E;rel=%22preload%22;as=%22script%22,%3Chttps://other.example/y>; rel="help"',
  )
  const url = fc.oneof(
    address,
    codeUnits,
    fc
      .array(
        fc.constantFrom('<', '>', '"', ',', ';', ' ', '\r\n', '\\', 'rel=', 'x', '%', '\ud800'),
      )
      .map(parts => `https://own.example/${parts.join('')}`),
  )
  const rel = fc.oneof(fc.constantFrom('help', 'next', 'self'), fc.string())
  fc.assert(
    fc.property(fc.array(fc.record({ url, rel }), { maxLength: 4 }), links => {
      const value = buildLinkHeader(links)
      const meant = links.filter(({ rel }) => /^[a-z][a-z0-9.-]{0,63}$/.test(rel))
      const expected = meant.map(({ url, rel }) => ({ url: toUri(url), rel }))
      assert.deepEqual(value === undefined ? [] : readLinks(value), expected)
    }),
    { numRuns: 500 },
  )
})

test('[R23] without a link of a known relation there is no header, and no empty one', () => {
  for (const links of [[], [{ url: 'https://own.example/', rel: 'a"; rel="b' }]]) {
    assert.equal(buildLinkHeader(links), undefined)
  }
})

test('an address that is one stays as it is', () => {
  fc.assert(
    fc.property(address, url => {
      assert.equal(toUri(url), url)
    }),
  )
  assert.equal(toUri('https://a/é?x=|"'), 'https://a/%C3%A9?x=%7C%22')
})

// Readers of addresses: targets, issuers, ways back, links of an EHR, our own address in any spelling.

import assert from 'node:assert/strict'
import { isHidden } from '../../../src/browser/hidden-path.ts'
import { buildLandingUrl, parseReturnTo } from '../../../src/browser/return-to.ts'
import { cleanAddress } from '../../../src/clean-text.ts'
import { classifyAddress, groupAddress, isReachable } from '../../../src/network/address.ts'
import { classifyName } from '../../../src/network/local-names.ts'
import { verifyEntryUrl } from '../../../src/proxy/entry-urls.ts'
import { rewriteLinks, toOwnAddress } from '../../../src/proxy/location.ts'
import { measureOwnAddress } from '../../../src/proxy/own-address.ts'
import { buildUpstreamPath, isTarget, parseTarget } from '../../../src/proxy/target.ts'
import { canonicalIssuer, isRegistrableIssuer } from '../../../src/smart/issuer.ts'
import { parseFhirBase } from '../../../src/smart/survey/survey.ts'
import { base, ours, theirs, whose } from '../../proxy/judging.ts'
import { assertPrintable, outcomeOf, type Reader } from '../reader.ts'

const scraps = [
  ...[
    '/',
    '//',
    '..',
    '.',
    '%2e',
    '%2f',
    '%5c',
    '\\',
    ':',
    '@',
    '?',
    '#',
    ';',
    '%00',
    '%0d%0a',
    '%25',
    '%',
  ],
  ...[
    'http://',
    'https:',
    'javascript:',
    '\t',
    ' ',
    '\u00a0',
    'é',
    '。',
    '①',
    '[::1]',
    '127.0.0.1',
    '0x7f.1',
  ],
  ...[
    '_format=html',
    '_method=DELETE',
    '&',
    '=',
    'evil.example',
    'ehr.example.org',
    'app.example.org',
    base,
  ],
]
const upstream = { origin: 'https://ehr.example.org', path: '/fhir/r4' }
const links = { bases: [upstream], asked: `${base}/Patient?page=1`, ours }

export const addressReaders: readonly Reader[] = [
  {
    name: 'target',
    scraps,
    samples: [
      '/Patient/1',
      '/Patient?name=a&_format=json',
      '',
      '//Patient/1',
      '/metadata',
      '/Patient/1/$everything?start=2%201',
    ],
    read(text) {
      const read = outcomeOf(() => parseTarget(text, ''))
      if (!('value' in read)) return
      const path = buildUpstreamPath(upstream, read.value)
      const url = new URL(upstream.origin + path)
      assert.equal(url.origin, upstream.origin)
      const isBelow = url.pathname === upstream.path || url.pathname.startsWith(`${upstream.path}/`)
      assert.ok(isBelow, `asks for ${path}`)
      assert.equal(
        url.pathname + url.search,
        // An empty query and an apostrophe in one are the same to a server in either spelling.
        path.replace(/^([^?]*)\?$/, '$1').replace(/\?.*/s, query => query.replaceAll("'", '%27')),
        'another reader asks for something else',
      )
      assertPrintable(path, 'the path')
      if (!text.startsWith('//')) assert.ok(isTarget(text), 'taken, and no target')
    },
    work: text => outcomeOf(() => parseTarget(text, '')),
  },
  {
    name: 'return_to',
    scraps,
    samples: [
      '/',
      '/app?x=1#y',
      '/a/b',
      'https://app.example.org/a',
      'https://other.example.org/a?b=c',
    ],
    read(text) {
      const frontend = {
        origin: 'https://app.example.org',
        returnTo: '/home',
        otherOrigins: ['https://other.example.org'],
      }
      const landing = buildLandingUrl(parseReturnTo(text, frontend), frontend.origin, {
        session: 'x',
      })
      const { origin, searchParams } = new URL(landing)
      assert.ok([frontend.origin, ...frontend.otherOrigins].includes(origin), landing)
      assert.deepEqual(searchParams.getAll('session'), ['x'])
      assertPrintable(landing, 'the landing')
    },
  },
  {
    name: 'issuer',
    scraps,
    samples: [
      base,
      'https://EHR.example.org:443/fhir/r4/',
      'http://localhost:8080/fhir',
      'https://[::1]/fhir',
    ],
    read(text) {
      const canonical = canonicalIssuer(text)
      if (canonical === undefined) return assert.ok(!isRegistrableIssuer(text))
      // One slash at the end, and no more, means nothing.
      assert.ok(canonical.length <= text.length)
      if (isRegistrableIssuer(text)) {
        const url = new URL(canonical)
        assert.equal(url.username + url.password + url.search + url.hash, '')
        assert.ok(
          url.protocol === 'https:' || /^(?:localhost|127\.|\[::1\])/.test(url.hostname),
          canonical,
        )
      }
      const found = parseFhirBase(text)
      if (found !== undefined) assert.ok(isRegistrableIssuer(found))
    },
    work: text => [canonicalIssuer(text), isRegistrableIssuer(text), parseFhirBase(text)],
  },
  {
    name: 'links of an EHR',
    scraps: [...scraps, '<', '>', 'rel="next"', 'rel=next', '"', ',', '; '],
    samples: [
      `<${base}/Patient?page=2>; rel="next"`,
      `<${base}>; rel=self, </fhir/r4?a>;rel="previous"`,
      `${base}/Patient/1/_history/2`,
    ],
    read(text) {
      const header = rewriteLinks(text, links)
      if (header !== undefined) {
        assert.match(header, /^<[^<>"\s]+>; rel="[a-z]+"(?:, <[^<>"\s]+>; rel="[a-z]+")*$/)
        for (const [, target = ''] of header.matchAll(/<([^>]*)>/g))
          assert.ok(target.startsWith(ours), target)
      }
      const own = toOwnAddress(text, links)
      if (own === undefined) return
      assert.ok(own === ours || /^[/?]/.test(own.slice(ours.length)), own)
      assert.ok(isTarget(own.slice(ours.length)), own)
      assertPrintable(own, 'the address')
    },
    work: text => [rewriteLinks(text, links), toOwnAddress(text, links)],
  },
  {
    name: 'our own address',
    scraps: [
      ...scraps,
      ours,
      theirs,
      '/sessions/',
      '/fhir',
      'BBBBBBBBBBBBBBBBBBBBBB',
      'bff',
      '%73essions',
      '%2573',
    ],
    samples: [
      ours,
      `${ours}/Patient/1`,
      theirs,
      theirs.replace('https', 'HTTPS'),
      theirs.replace('/sessions', '/./sessions'),
    ],
    read(text) {
      const read = outcomeOf(() => measureOwnAddress(text, whose))
      const isCode = 'code' in read && read.code === 'foreign_reference'
      if (!isCode) assert.ok('value' in read && read.value <= text.length)
      // What a browser would take for another session's address must have been refused.
      if (!URL.canParse(text) || isCode) return
      const url = new URL(text)
      const [, id] = /^\/bff\/sessions\/([^/]+)\/fhir(?:\/|$)/.exec(url.pathname) ?? []
      const isTheirs =
        /^https?:$/.test(url.protocol) &&
        url.host === 'app.example.org' &&
        /^[\w-]{1,64}$/.test(decodeLoosely(id)) &&
        id !== whose.sessionId
      assert.ok(!isTheirs, `passes as ${JSON.stringify(read)}`)
    },
    work: text => outcomeOf(() => measureOwnAddress(text, whose)),
  },
  {
    name: 'URL of a batch entry',
    scraps,
    samples: ['Patient/1', '/Patient', `${base}/Patient?a=b`, 'Patient?identifier=a|b', '$convert'],
    read(text) {
      const read = outcomeOf(() => verifyEntryUrl(text, base))
      if ('code' in read) return assert.equal(read.code, 'foreign_reference')
      const [path = ''] = text.split('?', 1)
      const resolved = new URL(path.replace(/^\//, ''), `${base}/`)
      assert.ok(resolved.href === base || resolved.href.startsWith(`${base}/`), resolved.href)
    },
    work: text => outcomeOf(() => verifyEntryUrl(text, base)),
  },
  {
    name: 'network address',
    scraps: [...scraps, '::', '::ffff:', '10.', '.255', ':', 'fe80', '64:ff9b::', '%eth0', '0'],
    samples: [
      '127.0.0.1',
      '::1',
      '::ffff:10.0.0.1',
      '169.254.169.254',
      '2001:db8::1',
      'metadata.google.internal',
      'localhost.',
    ],
    read(text) {
      const kind = classifyAddress(text)
      if (isReachable(text, { reach: 'public' } as never)) assert.equal(kind, 'public')
      assert.equal(typeof groupAddress(text), 'string')
      assert.equal(
        classifyName(text, 'own.example'),
        classifyName(`${text}`.toUpperCase().toLowerCase(), 'own.example'),
      )
    },
    work: text => [classifyAddress(text), groupAddress(text), classifyName(text, 'own.example')],
  },
  {
    name: 'path of a file',
    scraps,
    samples: [
      '/index.html',
      '/.env',
      '/%2eenv',
      '/a/.git/config',
      '/.well-known/x',
      '/.well-known/.x',
    ],
    read(text) {
      const isKept = isHidden(text)
      if (
        text.startsWith('/') &&
        /(?:^|\/)\.(?!well-known(?:\/|$))[^/]/.test(text) &&
        !/^\/\.well-known\//.test(text)
      ) {
        assert.ok(isKept, 'a hidden file is served')
      }
    },
    work: isHidden,
  },
  {
    name: 'address in the log',
    scraps,
    samples: ['https://evil.example/', 'null', 'a\r\nb', 'é\u0000'],
    read(text) {
      const clean = cleanAddress(text)
      assertPrintable(clean, 'the log')
      assert.ok(clean.length <= 300, `${clean.length} characters`)
    },
    work: cleanAddress,
  },
]

function decodeLoosely(text = ''): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildFaultPage, type PageOptions } from '../../src/browser/page.ts'
import { buildStyle } from '../../src/browser/page-style.ts'
import {
  chooseLanguage,
  describeDenialIn,
  describeFaultIn,
  languages,
} from '../../src/browser/page-words.ts'
import { type FaultCode, faultCodes } from '../../src/errors.ts'
import { authorizationErrors, describeDenial } from '../../src/smart/launch/denials.ts'
import { assertPagePolicy } from './policies.ts'

test('the language is the one that Accept-Language wants most, and English for everybody else', () => {
  for (const [asked, language] of [
    [undefined, 'en'],
    ['', 'en'],
    ['de', 'de'],
    ['de-AT,en;q=0.5', 'de'],
    ['en-GB,de;q=0.9', 'en'],
    ['fr,de;q=0.2,en;q=0.1', 'de'],
    ['fr,it', 'en'],
    ['DE-ch ; q=0.3 , en ; q=0.2', 'de'],
    ['de;q=0', 'en'],
    ['de;q=x', 'en'],
    ['denglish', 'en'],
    [`${'fr,'.repeat(2000)}de`, 'en'],
  ] as const) {
    assert.equal(chooseLanguage(asked), language, asked?.slice(0, 40))
  }
})

test('every refusal, ours and the EHR’s, has its words in each language', () => {
  for (const language of languages.filter(language => language !== 'en')) {
    for (const code of faultCodes) {
      assert.notEqual(describeFaultIn(language, code), describeFaultIn('en', code))
    }
    for (const error of authorizationErrors) {
      const told = describeDenial(error)
      assert.notEqual(describeDenialIn(language, error, told), told, error)
    }
  }
})

test('no code of a refusal of ours is one of an EHR, so that `error` means one thing', () => {
  const both = authorizationErrors.filter(error => faultCodes.includes(error as FaultCode))
  assert.deepEqual(both, [])
})

test('[L24, X11] a page with a name, an image and a colour allows these and nothing else', () => {
  const fault = { message: 'x', requestId: '1', startAgain: '/login' }
  const build = (options: PageOptions) => buildFaultPage(fault, options)
  const hostile = '</title><script>alert(1)</script>'
  const page = build({ look: { title: hostile, logo: '/logo.svg', colour: '#aa0033' } })
  assert.ok(!page.html.includes('<script>'))
  assertPagePolicy(page.contentSecurityPolicy, page.html, undefined, ["'self'"])
  const far = build({ look: { logo: 'https://cdn.example.org/a.png' }, language: 'de' })
  assertPagePolicy(far.contentSecurityPolicy, far.html, undefined, ['https://cdn.example.org'])
  assert.match(far.html, /<html lang="de">.*Von vorn beginnen/s)
})

test('links take the colour where it can be read, in light and in dark by themselves', () => {
  const accents = (colour: string) =>
    [...buildStyle(colour).matchAll(/--accent:(#\w+)/g)].map(match => match[1])
  assert.deepEqual(accents('#aa0033'), ['#aa0033', '#5cc8c0'])
  assert.deepEqual(accents('#ffee00'), ['#0b6e6e', '#ffee00'])
  assert.deepEqual(accents('#777777').length, 2)
})

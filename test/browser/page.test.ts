import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  buildChoicePage,
  buildDocumentPage,
  buildFaultPage,
  buildLandingPage,
  buildPostPage,
  type Page,
  type PageOptions,
} from '../../src/browser/page.ts'
import { assertPagePolicy } from './policies.ts'

const hostile = `"><script>alert(1)</script><base href='//evil.example'>`
const pages: Record<string, (options: PageOptions) => Page> = {
  fault: options =>
    buildFaultPage(
      { message: hostile, requestId: hostile, ehrName: hostile, startAgain: hostile },
      options,
    ),
  choice: options => buildChoicePage([{ name: hostile, href: hostile }], options),
  landing: options => buildLandingPage(hostile, options),
  post: options => buildPostPage({ action: hostile, fields: [[hostile, hostile]] }, options),
}

test('[L24, X11] each page allows its own style and script and nothing else, member by member', () => {
  for (const [name, build] of Object.entries(pages)) {
    const { contentSecurityPolicy, html } = build({})
    assertPagePolicy(contentSecurityPolicy, html)
    assert.equal(html.includes('alert(1)</script>'), false, name)
    const framers = ['https://ehr.example.org', 'https://login.ehr.example.org']
    const framed = build({ frameAncestors: framers })
    assertPagePolicy(framed.contentSecurityPolicy, framed.html, framers)
  }
  const { contentSecurityPolicy, html } = buildDocumentPage(hostile, '<p>x</p>')
  assertPagePolicy(contentSecurityPolicy, html)
})

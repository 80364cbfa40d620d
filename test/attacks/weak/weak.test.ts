// The suite against a broker that is weak on purpose: each of these rows must fail there, and for its own
// reason. That each of them holds at the product is `suite.test.ts`.

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { findPlaces } from '../product.ts'
import type { Finding } from '../row.ts'
import { rows } from '../rows/rows.ts'
import { ALWAYS, runSuite } from '../suite.ts'
import { startWeakBroker } from './broker.ts'

/** By row: what the suite must have seen. */
const weaknesses: Record<string, RegExp> = {
  L1: /^the issuer named was connected to/,
  L7: /^deep: 302/,
  L9: /^numbers: 302/,
  L10: /^plain-http: 302/,
  L11: /a cookie was set/,
  L16: /asked 30 times/,
  L17: /^moved: 302/,
  L18: /^redirect_uri is .* and /,
  L20: /^unproved: 302/,
  L22: /^12 cookies of launches/,
  L23: /leads to \/\/evil\.example/,
  L24: /^\/login\?ehr=attack-a: no policy/,
  S1: /"state":"x".*a session came of it/,
  S3: /^the code was sent again/,
  S4: /^the code was sent 20 times/,
  S5: /^a session came of it/,
  S6: /a session came of it/,
  S7: /^the token endpoint was asked/,
  S9: /^a referrer is sent/,
  S10: /^holds the-secret-place/,
  S13: /^the code was sent/,
  C1: /^two logins have one challenge/,
  C2: /^the code of one EHR was brought to the other/,
  C3: /evil\.example.*a session came of it/,
  C4: /^the answer holds <script>/,
  C5: /^a session came of it/,
  C7: /^the code was sent/,
  C9: /^POST: 302/,
  C10: /^the token endpoint was asked/,
  C11: /^the code was sent/,
  C13: /^with the planted cookies: 200/,
  C15: /^Host: evil\.example: 302/,
  C16: /^the code was sent 2 times/,
  T4: /^mac: a session came of it/,
  T5: /^"a b": a session came of it/,
  T8: /^patient is told as "\.\.\/\.\.\/x"/,
  K18: /^access-.*is told/,
  I1: /^none: a session came of it/,
  I2: /^another audience: a session came of it/,
  I3: /^another: a session came of it/,
  I4: /^over: a session came of it/,
  I5: /^logout\+jwt: a session came of it/,
  I7: /^jwk: a session came of it/,
  I12: /^its key: a session came of it/,
  I13: /^at_hash: a session came of it/,
  I16: /^exp -1e300: a session came of it/,
  K1: /can be read by scripts/,
  K3: /!!!: 200/,
  K5: /^the EHR was asked/,
  K8: /^ticket=evil; ticket=.*200/,
  K9: /^TICKET=.*200/,
  K14: /^1: 200/,
  K16: /^200: may be stored/,
  X1: /^POST \/sessions\/ID\/fhir\/Basic with .*: 200/,
  X2: /^POST \/sessions\/ID\/fhir with {}: 200/,
  X3: /^script from cross-site: 200/,
  X4: /"Origin":"null".*: 200/,
  X5: /"Sec-Fetch-Site":"same-site".*: 200/,
  X7: /allows https:\/\/evil\.example/,
  X8: /^the EHR is sent text\/html/,
  X9: /^GET \/logout: 302/,
  X11: /^\/sessions\/ID: no policy/,
  X12: /is for any site/,
  X14: /^the EHR was asked to delete/,
  X15: /^serviceworker: 200/,
  X17: /^GET \/sessions\/ID\/fhir\/Basic\/x with .*: 200/,
  P1: /^the EHR was asked for \/a\/x/,
  P3: /^\/\/127\.0\.0\.1:\d+\/x: 200/,
  P4: /^http:\/\/evil\.example: 200/,
  P6: /^Host: "evil\.example": 200/,
  P8: /^the EHR is sent cookie/,
  P9: /^the EHR is sent x-forwarded-host/,
  P10: /^the EHR is sent x-http-method-override/,
  P11: /^PROPFIND: 200/,
  P12: /^\.\.\/\.\.\/token: 200/,
  P24: /^the EHR is asked for text\/html/,
  P26: /^the other EHR was asked/,
  P31: /^in a query: 200/,
  P32: /^{'a':1}: 200/,
  P34: /^POST \/Basic\/_search: the EHR is sent the cookie/,
  R1: /^a=b/,
  R3: /^text\/html: no policy, inline/,
  R4: /may be sniffed/,
  R5: /^clear-site-data crosses/,
  R6: /^Basic realm/,
  R16: /^etag shows the bearer/,
  R17: /^the EHR’s address reaches the browser/,
  R21: /^public/,
  R23: /preload/,
  F1: /^0 renewals/,
  O1: /afterwards 200/,
  O3: /^post_logout_redirect_uri: 302/,
  O8: /^the record may be stored/,
  G9: /the answer holds what was asked/,
  AD1: /^GET \/metrics: 200/,
  AD2: /redis/,
  AD3: /^the redirect URI is http:\/\/evil/,
  AD5: /^list tells access-/,
  BX1: /^~\/sessions: 200/,
  GU4: /^~\/login\?ehr=: 302/,
}

describe('the suite against a weak broker', () => {
  let findings: Finding[] = []
  before(async () => {
    const config = await findPlaces()
    const weak = await startWeakBroker(config)
    try {
      findings = await runSuite({
        ...{ target: weak.url, config, only: Object.keys(weaknesses), isQuick: true },
      })
    } finally {
      weak.close()
    }
  })

  for (const [id, weakness] of Object.entries(weaknesses)) {
    const [row] = rows.filter(each => each.id === id)
    test(`sees that ${id} fails: ${row?.what}`, () => {
      const seen = findings.filter(each => each.row === id).flatMap(each => each.seen)
      const own = seen.filter(text => !text.startsWith(ALWAYS))
      assert.ok(
        own.some(text => weakness.test(text)),
        own.join('\n') || 'nothing was seen',
      )
    })
  }

  test('sees whatever the row is about when a token is told or a stranger is asked', () => {
    const seen = findings.flatMap(each => each.seen)
    assert.ok(seen.some(text => text.startsWith(`${ALWAYS}an answer showed a token`)))
    assert.ok(seen.some(text => text.startsWith(`${ALWAYS}the stranger was connected to`)))
  })
})

// Readers of forms and queries: search forms, callbacks, logouts, what existing apps send.

import assert from 'node:assert/strict'
import { readAppRequest } from '../../../src/facade/authorization.ts'
import { readOnce } from '../../../src/facade/parameters.ts'
import { readTokenRequest } from '../../../src/facade/token.ts'
import { decodeFormText, readForm, readQuery } from '../../../src/form.ts'
import { restoreQuery } from '../../../src/proxy/restore-query.ts'
import { createParameterJudge } from '../../../src/proxy/target.ts'
import { parseCallbackQuery } from '../../../src/smart/launch/callback.ts'
import { parseEhrLaunch, parseLogin } from '../../../src/smart/launch/launch.ts'
import { judge, whose } from '../../proxy/judging.ts'
import { outcomeOf, type Reader } from '../reader.ts'

const scraps = [
  ...[
    '&',
    '=',
    '+',
    '%',
    '%20',
    '%zz',
    '%c3%a9',
    '%00',
    ';',
    '?',
    'é',
    '\ud800',
    '__proto__',
    '[]',
    'a=',
    '%26',
  ],
  ...[
    'code=',
    'state=',
    'iss=',
    'error=',
    'access_token=',
    'launch=',
    '_format=html',
    '_method=DELETE',
    '%5fmethod',
  ],
  ...[
    'grant_type=authorization_code',
    'client_id=app',
    'https%3A%2F%2Fapp.example.org%2Fbff%2Fsessions%2FB',
  ],
]
const client = {
  clientId: 'app',
  redirectUris: ['https://app.example.org/app/'],
  launchUrl: 'https://app.example.org/launch',
  pkceOptional: true,
}
const facade = 'https://app.example.org/smart/general'
const asked = new URLSearchParams({
  ...{
    response_type: 'code',
    client_id: 'app',
    redirect_uri: client.redirectUris[0] as string,
    aud: facade,
  },
  ...{ state: 'x', code_challenge: 'A'.repeat(43), code_challenge_method: 'S256' },
})

export const formReaders: readonly Reader[] = [
  {
    name: 'form',
    scraps,
    samples: ['a=b&c=d', 'a=%C3%A9+x&b', '&&&&', '=', 'a=b=c&a'],
    read(text) {
      const own = [...readForm(text)].map(([name, value]) => [name, value])
      // The rules of WHATWG URL, as the platform has them; of what comes over HTTP all is ASCII.
      if (/^[\x00-\x7f]*$/.test(text)) {
        assert.deepEqual(own, [...new URLSearchParams(text.replace(/^\?/, '%3F'))])
      }
      const written = new URLSearchParams(own as [string, string][]).toString()
      assert.deepEqual(
        [...readForm(written)].map(pair => [...pair]),
        [...new URLSearchParams(written)],
      )
      assert.equal(typeof decodeFormText(text) + typeof readQuery(`/x?${text}`), 'stringstring')
    },
    work: text => [...readForm(text)],
  },
  {
    name: 'search form',
    scraps,
    samples: [
      'name=a&_count=5',
      'identifier=a|b',
      `subject=${encodeURIComponent('https://app.example.org/bff/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir/Patient/1')}`,
    ],
    read(text) {
      const whole = judge('query', text)
      for (const pieces of [[1], [7, 3], [64]]) {
        assert.deepEqual(judge('query', text, { pieces }), whole, 'in pieces it is another form')
      }
      outcomeOf(() => createParameterJudge()(text))
      const restored = outcomeOf(() => restoreQuery(text, whose))
      if ('value' in restored && !/app|%/i.test(text)) assert.equal(restored.value, text)
    },
    work: text => judge('query', text),
  },
  {
    name: 'callback',
    scraps,
    samples: [
      'code=a&state=b&iss=https%3A%2F%2Fehr',
      'error=access_denied&state=b',
      'code=a&code=b',
    ],
    read(text) {
      const read = outcomeOf(() => parseCallbackQuery(text))
      if ('code' in read) return assert.equal(read.code, 'callback_invalid')
      const counts = new URLSearchParams(text.replace(/^\?/, '%3F'))
      for (const name of ['code', 'state', 'iss', 'error'])
        assert.ok(counts.getAll(name).length <= 1, `${name} twice`)
      if ('code' in read.value.answer) assert.match(read.value.answer.code, /^[\x20-\x7e]+$/)
    },
    work: text => outcomeOf(() => parseCallbackQuery(text)),
  },
  {
    name: 'launch and login',
    scraps,
    samples: [
      'iss=https%3A%2F%2Fehr.example.org%2Ffhir&launch=x',
      'ehr=general',
      'ehr=general&return_to=%2F',
    ],
    read(text) {
      const query = Object.fromEntries([...readForm(text)].map(([name, value]) => [name, value]))
      outcomeOf(() => parseEhrLaunch(query, [], { ehr: undefined, sent: text }))
      outcomeOf(() => parseLogin(query, [], text))
    },
    work: text =>
      outcomeOf(() =>
        parseEhrLaunch({ iss: text, launch: text }, [], { ehr: undefined, sent: text }),
      ),
  },
  {
    name: 'requests of existing apps',
    scraps: [...scraps, 'code_challenge=', 'A'.repeat(43), 'redirect_uri=', 'Basic ', 'YTpi'],
    samples: [
      String(asked),
      `grant_type=authorization_code&code=${'A'.repeat(43)}&redirect_uri=x&client_id=app`,
    ],
    read(text) {
      readOnce(text)
      const request = outcomeOf(() => readAppRequest(text, client, facade))
      if ('value' in request) {
        const { value } = request
        const way = 'redirectTo' in value ? value.redirectTo : value.redirectUri
        assert.ok(way.startsWith(client.redirectUris[0] as string), way)
      }
      for (const authorization of [undefined, text, `Basic ${text}`])
        readTokenRequest(text, authorization)
    },
    work: text => [
      outcomeOf(() => readAppRequest(text, client, facade)),
      readTokenRequest(text, `Basic ${text}`),
    ],
  },
]

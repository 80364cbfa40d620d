// The proxy’s request side: headers and methods, and what of them reaches the EHR.

import { type Fields, ownPage } from '../outsider.ts'
import type { Row } from '../row.ts'
import { describe, headOf, isRefused, keepFromEhr, logIn, readFhir } from './reading.ts'

const basic = '{"resourceType":"Basic"}'

export const requestHeaderRows: readonly Row[] = [
  {
    id: 'P7',
    what: 'hop-by-hop headers, and Connection that names others',
    async attack(scene) {
      await keepFromEhr(scene, { Connection: 'close, authorization, x-correlation-id' }, [
        'proxy-connection',
      ])
      await keepFromEhr(
        scene,
        {
          'Keep-Alive': 'timeout=999',
          TE: 'trailers',
          Trailer: 'X-Evil',
          'Proxy-Connection': 'keep-alive',
          'HTTP2-Settings': 'x',
          'Proxy-Authenticate': 'x',
        },
        ['keep-alive', 'te', 'trailer', 'proxy-connection', 'http2-settings', 'proxy-authenticate'],
      )
    },
  },
  {
    id: 'P8',
    what: 'credentials of the caller',
    async attack(scene) {
      await keepFromEhr(
        scene,
        {
          Authorization: 'Bearer evil',
          'Proxy-Authorization': 'Basic evil',
          'X-Authorization': 'evil',
          'X-Api-Key': 'evil',
        },
        ['cookie', 'proxy-authorization', 'x-authorization', 'x-api-key'],
      )
      await keepFromEhr(scene, { Authorization: ['Bearer a', 'Bearer b'] }, ['cookie'])
    },
  },
  {
    id: 'P9',
    what: 'forwarding headers, underscores, rewriting headers',
    attack: scene =>
      keepFromEhr(
        scene,
        {
          'X-Forwarded-For': '1.2.3.4',
          'X-Forwarded-Host': 'evil.example',
          Forwarded: 'host=evil',
          'X-Real-IP': '1.2.3.4',
          'X-Original-URL': '/evil',
          'X-Rewrite-URL': '/evil',
          X_Forwarded_For: '1.2.3.4',
          'X-Forwarded-Prefix': '/evil',
        },
        [
          'x-forwarded-for',
          'x-forwarded-host',
          'forwarded',
          'x-real-ip',
          'x-original-url',
          'x-rewrite-url',
          'x_forwarded_for',
          'x-forwarded-prefix',
        ],
      ),
  },
  {
    id: 'P11',
    what: 'methods that are none of FHIR’s',
    async attack(scene) {
      const login = await logIn(scene)
      const before = login.ehr.count('fhir')
      for (const method of [
        'TRACE',
        'PROPFIND',
        'QUERY',
        'get',
        'GETX',
        'PURGE',
        'LINK',
        'M-SEARCH',
      ]) {
        const reply = await readFhir(scene, login, '/Basic/x', { method })
        scene.hold(isRefused(reply), `${method}: ${describe(reply)}`)
      }
      const { host } = new URL(scene.ehrs.evil.url)
      const connect = await scene.outsider.exchange(
        `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      )
      scene.hold(isRefused(connect), `CONNECT: ${describe(connect)}`)
      scene.hold(login.ehr.count('fhir') === before, 'the EHR was asked')
    },
  },
  {
    id: 'P22',
    what: 'upgrades',
    async attack(scene) {
      const login = await logIn(scene)
      const before = login.ehr.heard.length
      for (const upgrade of ['websocket', 'h2c', 'TLS/1.0']) {
        const reply = await readFhir(scene, login, '/Basic/x', {
          headers: {
            Connection: 'Upgrade',
            Upgrade: upgrade,
            'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
            'Sec-WebSocket-Version': '13',
          },
        })
        scene.hold(isRefused(reply), `${upgrade}: ${describe(reply)}`)
      }
      scene.hold(
        login.ehr.heard.slice(before).every(({ headers }) => headers.upgrade === undefined),
        'the EHR is sent Upgrade',
      )
    },
  },
  {
    id: 'P23',
    what: 'header names of prototypes, 200 headers, a header of 64 KiB',
    async attack(scene) {
      const login = await logIn(scene)
      const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`X-H${i}`, 'x']))
      const sets: Fields[] = [
        { __proto__x: 'x', constructor: 'x', hasOwnProperty: 'x' },
        many,
        { 'X-Large': 'x'.repeat(65_536) },
      ]
      for (const headers of sets) {
        const reply = await readFhir(scene, login, '/Basic/x', { headers })
        scene.hold(
          reply.status === 200 || isRefused(reply),
          `${Object.keys(headers)[0]}: ${describe(reply)}`,
        )
      }
      const raw = await scene.outsider.exchange(
        headOf(scene, login, 'GET /Basic/x', '__proto__: x\r\nConnection: close\r\n\r\n'),
      )
      scene.hold(raw.status === 200 || isRefused(raw), `__proto__: ${describe(raw)}`)
    },
  },
  {
    id: 'P27',
    what: 'headers of FHIR, right and malformed',
    async attack(scene) {
      const login = await logIn(scene)
      const right = { 'If-Match': 'W/"1"', Prefer: 'return=minimal', 'X-Provenance': '{}' }
      await readFhir(scene, login, '/Basic/right', { headers: right })
      const heard = login.ehr.heard.findLast(({ path }) => path === '/Basic/right')
      scene.hold(
        heard?.headers.prefer === 'return=minimal' && heard.headers['if-match'] === 'W/"1"',
        'FHIR’s own headers do not reach the EHR',
      )
      for (const headers of [
        { 'If-Match': 'W/"a\x01"' },
        { Prefer: '\xff\x01' },
        { 'If-None-Exist': 'a=\x02' },
        { 'If-Modified-Since': 'evil' },
      ] as Fields[]) {
        const reply = await readFhir(scene, login, '/Basic/wrong', { headers })
        scene.hold(
          reply.status === 200 || isRefused(reply),
          `${JSON.stringify(headers)}: ${describe(reply)}`,
        )
      }
      const wrong = login.ehr.heard.filter(({ path }) => path === '/Basic/wrong')
      scene.hold(
        wrong.every(({ rawHeaders }) => !rawHeaders.some(text => /[\x00-\x08]/.test(text))),
        'control characters reach the EHR',
      )
    },
  },
  {
    id: 'P28',
    what: 'ranges, very many and absurd',
    async attack(scene) {
      const login = await logIn(scene)
      for (const range of [
        'bytes=0-1',
        `bytes=${Array.from({ length: 1_000 }, (_, i) => `${i}-${i}`).join(',')}`,
        'bytes=-',
        'bytes=9-1',
        'bytes=0-99999999999999999999',
        'x',
        'bytes=0-1\tx',
      ]) {
        const reply = await readFhir(scene, login, '/Binary/x', { headers: { Range: range } })
        scene.hold(
          reply.status !== 500 && reply.status !== 0,
          `${range.slice(0, 20)}: ${describe(reply)}`,
        )
      }
    },
  },
  {
    id: 'P34',
    what: 'the cookie on one kind of route: reads, searches, writes, batches, files, aliases',
    async attack(scene) {
      const login = await logIn(scene)
      const from = login.ehr.heard.length
      const asks: [string, string, string?, string?][] = [
        ...([
          ['GET', '/Basic/x'],
          ['HEAD', '/Basic/x'],
          ['GET', '/metadata'],
          ['GET', '/Binary/x'],
          ['DELETE', '/Basic/x'],
        ] as [string, string][]),
        ...([
          ['POST', '/Basic', basic],
          ['PUT', '/Basic/x', basic],
          ['POST', '', '{"resourceType":"Bundle","type":"batch"}'],
        ] as [string, string, string][]),
        ['PATCH', '/Basic/x', '[]', 'application/json-patch+json'],
        ['POST', '/Basic/_search', 'a=b', 'application/x-www-form-urlencoded'],
        ['POST', '/Binary', 'x', 'application/pdf'],
        ['GET', '/Basic/x/$everything'],
      ]
      for (const [method, path, body, type = 'application/fhir+json'] of asks) {
        await readFhir(scene, login, path, {
          method,
          body,
          headers: body === undefined ? {} : { 'Content-Type': type },
        })
      }
      await scene.outsider.ask({ path: '~/fhir/Basic/x', cookies: login.jar.cookies })
      if (scene.hasFacade) {
        const headers = { ...ownPage, Authorization: `Bearer ${login.session.id}` }
        await scene.outsider.ask({
          path: '~/smart/attack-a/Basic/x',
          headers,
          cookies: login.jar.cookies,
        })
      }
      const heard = login.ehr.heard.slice(from).filter(({ kind }) => kind === 'fhir')
      scene.hold(
        heard.length >= asks.length - 1,
        `${heard.length} of ${asks.length} kinds reached the EHR`,
      )
      const ticket = login.jar.cookies.get(login.session.ticketName) ?? ''
      for (const { method, path, rawHeaders } of heard) {
        const text = rawHeaders.join('\n')
        scene.hold(
          !/^cookie$/im.test(text) && !text.includes(ticket),
          `${method} ${path}: the EHR is sent the cookie`,
        )
        scene.hold(
          !text.includes(login.session.id),
          `${method} ${path}: the EHR is sent the session's name`,
        )
      }
    },
  },
]

// The proxy’s request side: which address is asked for.

import { ownPage } from '../outsider.ts'
import type { Row, Scene } from '../row.ts'
import {
  describe,
  each,
  isRefused,
  keepFromEhr,
  type LoggedIn,
  logIn,
  readFhir,
} from './reading.ts'

/** Each target is refused before the EHR hears of it, or reaches it below its FHIR base as it stands. */
async function refuseTargets(
  scene: Scene,
  paths: readonly string[],
  login?: LoggedIn,
): Promise<void> {
  const known = login ?? (await logIn(scene))
  const before = known.ehr.heard.length
  const evil = scene.ehrs.evil.connections
  await each(paths, async path => {
    const reply = await readFhir(scene, known, path)
    scene.hold(isRefused(reply), `${path.slice(0, 50)}: ${describe(reply)}`)
  })
  const heard = known.ehr.heard.slice(before)
  scene.hold(heard.length === 0, `the EHR was asked for ${heard[0]?.target.slice(0, 50)}`)
  scene.hold(scene.ehrs.evil.connections === evil, 'a stranger was connected to')
}

export const targetRows: readonly Row[] = [
  {
    id: 'P1',
    what: 'dots in every spelling',
    attack: scene =>
      refuseTargets(scene, [
        ...[
          '/../x',
          '/%2e%2e/x',
          '/.%2e/x',
          '/..%2fx',
          '/%252e%252e/x',
          '/..\\x',
          '/..%5cx',
          '/..;/x',
          '/.\t./x',
        ],
        ...[
          '/Patient/../../x',
          '/Patient/%2e%2e/%2e%2e/x',
          '/./x',
          '/Patient/..',
          '/%2E%2E',
          '/%c0%ae%c0%ae/x',
          '/...',
        ],
      ]),
  },
  {
    id: 'P2',
    what: 'our own path, escaped',
    async attack(scene) {
      const login = await logIn(scene)
      const before = login.ehr.heard.length
      const { fhirPath } = login.session
      const paths = [
        fhirPath.replace('/fhir', '/%66hir'),
        fhirPath.replace('/sessions', '/%73essions'),
        fhirPath.replace('/fhir', '/FHIR'),
        `/.${fhirPath}`,
        `/${fhirPath}`,
      ]
      for (const path of paths) {
        const ask = { path: `${path}/Basic/x`, cookies: login.jar.cookies }
        const foreign = await scene.outsider.ask({
          ...ask,
          headers: { Origin: 'https://evil.example' },
        })
        scene.hold(
          isRefused(foreign),
          `${path.replace(login.session.id, 'ID')} of another site: ${describe(foreign)}`,
        )
        const own = await scene.outsider.ask({ ...ask, headers: ownPage })
        scene.hold(own.status !== 500, `${path.replace(login.session.id, 'ID')}: ${describe(own)}`)
      }
      const heard = login.ehr.heard.slice(before).filter(({ kind }) => kind === 'fhir')
      scene.hold(
        heard.every(({ path }) => path === '/Basic/x'),
        `the EHR is asked for ${heard.find(({ path }) => path !== '/Basic/x')?.target}`,
      )
    },
  },
  {
    id: 'P3',
    what: 'paths that name a host',
    attack: scene => {
      const { host } = new URL(scene.ehrs.evil.url)
      return refuseTargets(scene, [
        `//${host}/x`,
        `/\\\\${host}/x`,
        `/http://${host}/x`,
        `/http:${host}`,
        `//user@${host}/x`,
        `@${host}/x`,
        `.${host}/x`,
        `:80@${host}/`,
        `/%2f%2f${host}/x`,
      ])
    },
  },
  {
    id: 'P4',
    what: 'an absolute target',
    async attack(scene) {
      const login = await logIn(scene)
      const before = login.ehr.count('fhir')
      for (const origin of [scene.ehrs.evil.url, scene.target.origin, 'http://evil.example']) {
        const reply = await scene.outsider.ask({
          path: `${origin}${login.session.fhirPath}/Basic/x`,
          headers: ownPage,
          cookies: login.jar.cookies,
        })
        scene.hold(isRefused(reply), `${origin}: ${describe(reply)}`)
      }
      scene.hold(login.ehr.count('fhir') === before, 'the EHR was asked')
    },
  },
  {
    id: 'P5',
    what: 'fragments, controls, broken escapes and very long targets',
    attack: scene =>
      refuseTargets(scene, [
        ...[
          '/Basic/x#y',
          '/Basic/%00',
          '/Basic/a%0d%0aX:%20y',
          '/Basic/\xe9',
          '/Basic/%zz',
          '/Basic/%',
          `/Basic/${'x'.repeat(20_000)}`,
        ],
        ...[
          '/Basic/x?a=%00',
          '/Basic/x?a=%0d',
          '/Basic/x?%zz',
          '/Basic/x?a=\x01',
          '/Basic/x?#',
          '/Basic/x?a=\xe9',
        ],
      ]),
  },
  {
    id: 'P6',
    what: 'Host missing, twice, malformed, of others',
    async attack(scene) {
      const login = await logIn(scene)
      const { host } = new URL(scene.target.origin)
      const before = login.ehr.count('fhir')
      for (const sent of [
        'evil.example',
        'a@b/../"<x>',
        `${host}.evil.example`,
        `evil.example\r\nHost: ${host}`,
        `${host}\r\nHost: ${host}`,
        '',
        null,
        '127.0.0.1:1',
        `${host}@evil.example`,
        `${host}/x`,
        `${host}, evil.example`,
      ]) {
        const reply = await readFhir(scene, login, '/Basic/x', { host: sent })
        scene.hold(
          [400, 421].includes(reply.status),
          `Host: ${JSON.stringify(sent)}: ${describe(reply)}`,
        )
        scene.hold(!reply.raw.includes('evil.example'), 'the answer holds the Host')
      }
      scene.hold(login.ehr.count('fhir') === before, 'the EHR was asked')
      const forwarded = await readFhir(scene, login, '/nowhere', {
        headers: { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http' },
      })
      scene.hold(!forwarded.raw.includes('evil.example'), 'the answer holds X-Forwarded-Host')
    },
  },
  {
    id: 'P10',
    what: 'a method by header or parameter',
    async attack(scene) {
      await keepFromEhr(scene, { 'X-HTTP-Method-Override': 'DELETE', 'X-Method': 'DELETE' }, [
        'x-http-method-override',
        'x-method',
      ])
      await refuseTargets(scene, [
        '/Basic/x?_method=DELETE',
        '/Basic/x?_METHOD=DELETE',
        '/Basic/x?%5fmethod=DELETE',
      ])
    },
  },
  {
    id: 'P13',
    what: 'addresses of others as parameters',
    async attack(scene) {
      const login = await logIn(scene)
      const evil = scene.ehrs.evil.connections
      for (const name of ['next', 'url', '_getpages', 'page', 'target', 'callback']) {
        await readFhir(scene, login, `?${name}=${encodeURIComponent(scene.ehrs.evil.url)}`)
        await scene.outsider.ask({
          path: `~/fhir?${name}=${encodeURIComponent(scene.ehrs.evil.url)}`,
          cookies: login.jar.cookies,
        })
      }
      scene.hold(scene.ehrs.evil.connections === evil, 'a stranger was connected to')
    },
  },
  {
    id: 'P24',
    what: 'answers as pages: _format and Accept',
    async attack(scene) {
      await refuseTargets(scene, [
        '/Basic/x?_format=text/html',
        '/Basic/x?_format=html',
        '/Basic/x?_format=xhtml',
        '/Basic/x?_format=json&_format=text/html',
        '/Basic/x?%5fformat=html',
      ])
      const login = await logIn(scene)
      await readFhir(scene, login, '/Basic/accepted', {
        headers: { Accept: 'text/html,application/xhtml+xml' },
      })
      const accepted =
        login.ehr.heard.findLast(({ path }) => path === '/Basic/accepted')?.headers.accept ?? ''
      scene.hold(!/html/.test(accepted), `the EHR is asked for ${accepted}`)
    },
  },
  {
    id: 'P26',
    also: ['P14'],
    what: "another session's address with one's own ticket, and another EHR's path",
    async attack(scene) {
      const [mine, theirs] = [await logIn(scene), await logIn(scene, { ehr: scene.ehrs.b })]
      const before = scene.ehrs.b.count('fhir')
      const reply = await scene.outsider.ask({
        ...{ path: `${theirs.session.fhirPath}/Patient/${theirs.grant.patient}`, headers: ownPage },
        cookies: mine.jar.cookies,
      })
      scene.hold(reply.status === 401, describe(reply))
      scene.hold(scene.ehrs.b.count('fhir') === before, 'the other EHR was asked')
      if (!scene.hasFacade) return
      const crossed = await scene.outsider.ask({
        ...{ path: '~/smart/attack-b/Basic/x', cookies: mine.jar.cookies },
        headers: { ...ownPage, Authorization: `Bearer ${mine.session.id}` },
      })
      scene.hold(crossed.status === 401, `by the façade of the other: ${describe(crossed)}`)
    },
  },
  {
    id: 'P35',
    what: 'a query of separators alone',
    async attack(scene) {
      const login = await logIn(scene)
      for (const query of [
        '&',
        '&&&&',
        '=',
        '&=&=',
        ';',
        '?',
        '??',
        '&'.repeat(8_000),
        '=&'.repeat(3_000),
        '+',
        '%26',
        '&&a=1&&',
      ]) {
        for (const method of ['GET', 'POST']) {
          const path = method === 'GET' ? `/Basic?${query}` : '/Basic/_search'
          const body = method === 'POST' ? query : undefined
          const before = login.ehr.heard.length
          const reply = await readFhir(scene, login, path, {
            ...{ method, body, withinMs: 10_000 },
            headers:
              body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' },
          })
          scene.hold(
            reply.status === 200 || isRefused(reply),
            `${method} ${query.slice(0, 10)}: ${describe(reply)}`,
          )
          const [heard] = login.ehr.heard.slice(before)
          const sent = method === 'GET' ? heard?.path : heard?.body
          const isAsItWas =
            sent === undefined || sent === (method === 'GET' ? `/Basic?${query}` : query)
          scene.hold(
            isAsItWas,
            `${method} ${query.slice(0, 10)}: the EHR is asked ${sent?.slice(0, 30)}`,
          )
        }
      }
    },
  },
]

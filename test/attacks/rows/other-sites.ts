// What other sites can ask for with somebody's browser: forms, pre-flights, links, other words for methods.

import { type Fields, headerOf, ownPage } from '../outsider.ts'
import type { Row, Scene } from '../row.ts'
import {
  describe,
  EVIL_ORIGIN,
  each,
  isRefused,
  type LoggedIn,
  logIn,
  readFhir,
} from './reading.ts'

const FORMS = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']

/** Every kind of route that changes something or is passed on, for one session. */
function listKinds(
  scene: Scene,
  { session }: LoggedIn,
): [method: string, path: string, headers?: Fields][] {
  const kinds: [string, string, Fields?][] = [
    ['GET', `${session.fhirPath}/Basic/x`],
    ['HEAD', `${session.fhirPath}/Basic/x`],
    ['POST', session.fhirPath],
    ['POST', `${session.fhirPath}/Basic`],
    ['POST', `${session.fhirPath}/Basic/_search`],
    ['PUT', `${session.fhirPath}/Basic/x`],
    ['PATCH', `${session.fhirPath}/Basic/x`],
    ['DELETE', `${session.fhirPath}/Basic/x`],
    ['GET', `${session.fhirPath}/Binary/x`],
    ['GET', `${session.fhirPath}/metadata`],
    ['GET', `${scene.target.prefix}/fhir/Basic/x`],
    ['POST', `${scene.target.prefix}/fhir/Basic`],
    ['DELETE', `${scene.target.prefix}/fhir/Basic/x`],
    ['GET', session.path],
    ['DELETE', session.path],
    ['GET', `${scene.target.prefix}/sessions`],
    ['GET', `${scene.target.prefix}/sessions/events`],
    ['POST', `${scene.target.prefix}/logout`],
  ]
  if (!scene.hasFacade) return kinds
  const mount = `${scene.target.prefix}/smart/attack-a`
  const named = { Authorization: `Bearer ${session.id}` }
  return [
    ...kinds,
    ['GET', `${mount}/Basic/x`, named],
    ['POST', `${mount}/Basic`, named],
    ['DELETE', `${mount}/Basic/x`, named],
    ['POST', `${mount}/token`],
  ]
}

/** Each of these callers is refused with a 403 on every kind of route, and nothing happens. */
async function refuseCallers(
  scene: Scene,
  callers: readonly Fields[],
  choose: (method: string) => boolean = () => true,
): Promise<void> {
  const login = await logIn(scene)
  const before = login.ehr.count('fhir')
  const kinds = listKinds(scene, login).filter(([method]) => choose(method))
  await each(kinds, async ([method, path, named]) => {
    for (const headers of callers) {
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? 'a=b' : undefined
      const reply = await scene.outsider.ask({
        ...{ method, path, body, cookies: login.jar.cookies },
        headers: {
          ...(body && { 'Content-Type': 'application/x-www-form-urlencoded' }),
          ...named,
          ...headers,
        },
      })
      // A type that the route does not read is refused before anybody asks who calls.
      const isOk = reply.status === 403 || (path.endsWith('/token') && reply.status === 415)
      scene.hold(
        isOk,
        `${method} ${path.replace(login.session.id, 'ID')} with ${JSON.stringify(headers)}: ${describe(reply)}`,
      )
    }
  })
  scene.hold(login.ehr.count('fhir') === before, 'the EHR was asked')
  const after = await readFhir(scene, login, '/Basic/x')
  scene.hold(after.status === 200, `the session afterwards: ${describe(after)}`)
}

const isUnsafe = (method: string) => !['GET', 'HEAD'].includes(method)

export const otherSiteRows: readonly Row[] = [
  {
    id: 'X1',
    what: 'forms of another site, on every route that changes something',
    attack: scene =>
      refuseCallers(
        scene,
        FORMS.map(type => ({
          Origin: EVIL_ORIGIN,
          'Content-Type': type,
          'Sec-Fetch-Site': 'cross-site',
          'Sec-Fetch-Mode': 'no-cors',
          'Sec-Fetch-Dest': 'empty',
        })),
        isUnsafe,
      ),
  },
  {
    id: 'X2',
    also: ['X6'],
    what: 'changes without an Origin and without the header',
    attack: scene =>
      refuseCallers(
        scene,
        [{}, { 'X-CSRF': '' }, { 'X-CSRF': 'true' }, { 'X-CSRF': '2' }],
        isUnsafe,
      ),
  },
  {
    id: 'X4',
    what: 'Origins that are another’s, none, a look-alike, another port',
    attack: scene => {
      const { origin } = scene.target
      const { protocol, host, hostname } = new URL(origin)
      const origins = [
        ...[
          EVIL_ORIGIN,
          'null',
          `${origin}.evil.example`,
          `${protocol}//evil.${host}`,
          `${protocol}//${hostname}:1`,
        ],
        ...[`${origin}/`, origin.toUpperCase(), `${origin}, ${origin}`, '', ' '],
      ]
      return refuseCallers(
        scene,
        origins.map(value => ({ Origin: value, 'X-CSRF': '1' })),
        isUnsafe,
      )
    },
  },
  {
    id: 'X5',
    what: 'a sibling of the site, and another one, with the right header',
    attack: scene =>
      refuseCallers(
        scene,
        ['same-site', 'cross-site', 'evil'].map(site => ({
          'Sec-Fetch-Site': site,
          'X-CSRF': '1',
        })),
      ),
  },
  {
    id: 'X17',
    what: 'one kind of route that the rule was forgotten on: every kind, as another site calls it',
    attack: scene =>
      refuseCallers(scene, [
        {
          Origin: EVIL_ORIGIN,
          'Sec-Fetch-Site': 'cross-site',
          'Sec-Fetch-Mode': 'cors',
          'Sec-Fetch-Dest': 'empty',
        },
        { Origin: EVIL_ORIGIN },
      ]),
  },
  {
    id: 'X7',
    what: 'pre-flights and reads of another origin',
    async attack(scene) {
      const login = await logIn(scene)
      for (const [, path] of listKinds(scene, login)) {
        for (const origin of [EVIL_ORIGIN, 'null']) {
          const reply = await scene.outsider.ask({
            ...{ method: 'OPTIONS', path, cookies: login.jar.cookies },
            headers: {
              Origin: origin,
              'Access-Control-Request-Method': 'POST',
              'Access-Control-Request-Headers': 'x-csrf',
            },
          })
          const allowed = headerOf(reply, 'access-control-allow-origin')
          scene.hold(
            allowed === '' && reply.status < 500,
            `pre-flight of ${path.replace(login.session.id, 'ID')}: ${reply.status}, allows ${allowed}`,
          )
          scene.hold(!reply.headers.has('access-control-allow-credentials'), 'allows credentials')
        }
        const read = await scene.outsider.ask({
          path,
          headers: { Origin: EVIL_ORIGIN },
          cookies: login.jar.cookies,
        })
        scene.hold(
          !read.headers.has('access-control-allow-origin'),
          `${path.replace(login.session.id, 'ID')} may be read`,
        )
      }
    },
  },
  {
    id: 'X8',
    what: 'content types that two readers read differently',
    async attack(scene) {
      const login = await logIn(scene)
      const types = [
        'application/json\t',
        ' application/fhir+json',
        'a/b;;',
        'text/html',
        'application/xhtml+xml',
        'image/svg+xml',
        'x',
        'application/json, text/plain',
      ]
      for (const type of types) {
        const foreign = await readFhir(scene, login, '/Basic', {
          ...{ method: 'POST', body: '{}' },
          headers: { 'Content-Type': type, Origin: EVIL_ORIGIN },
        })
        scene.hold(foreign.status === 403, `${type} of another site: ${describe(foreign)}`)
        const own = await readFhir(scene, login, '/Basic', {
          ...{
            method: 'POST',
            body: '{"resourceType":"Basic"}',
            headers: { 'Content-Type': type },
          },
        })
        scene.hold(own.status !== 500, `${type}: ${describe(own)}`)
        const sent = login.ehr.heard.at(-1)?.headers['content-type'] ?? ''
        scene.hold(!/html|svg|,|;;|\t/.test(sent), `the EHR is sent ${sent}`)
      }
    },
  },
  {
    id: 'X9',
    what: 'a logout by a link',
    async attack(scene) {
      const login = await logIn(scene)
      for (const path of [
        `${scene.target.prefix}/logout`,
        `${login.session.path}/delete`,
        `${login.session.path}?_method=DELETE`,
      ]) {
        await scene.outsider.ask({ path, headers: ownPage, cookies: login.jar.cookies })
      }
      const get = await scene.outsider.ask({
        path: '~/logout',
        headers: ownPage,
        cookies: login.jar.cookies,
      })
      scene.hold([404, 405].includes(get.status), `GET /logout: ${describe(get)}`)
      scene.hold((await readFhir(scene, login, '/Basic/x')).status === 200, 'the session is over')
    },
  },
  {
    id: 'X14',
    what: 'methods by other words: overrides, HEAD, OPTIONS',
    async attack(scene) {
      const login = await logIn(scene)
      const words = ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method']
      for (const word of words) {
        await readFhir(scene, login, '/Basic/overridden', { headers: { [word]: 'DELETE' } })
        await scene.outsider.ask({
          path: login.session.path,
          headers: { ...ownPage, [word]: 'DELETE' },
          cookies: login.jar.cookies,
        })
      }
      const asked = login.ehr.heard.filter(({ path }) => path.startsWith('/Basic/overridden'))
      scene.hold(
        asked.every(({ method }) => method === 'GET'),
        'the EHR was asked to delete',
      )
      const names = asked
        .flatMap(({ headers }) => Object.keys(headers))
        .filter(name => /method/.test(name))
      scene.hold(names.length === 0, `the EHR is sent ${names.join(', ')}`)
      for (const method of ['HEAD', 'OPTIONS']) {
        const reply = await readFhir(scene, login, '/Basic/x', {
          method,
          headers: { Origin: EVIL_ORIGIN },
        })
        scene.hold(isRefused(reply), `${method} of another site: ${describe(reply)}`)
      }
      scene.hold((await readFhir(scene, login, '/Basic/x')).status === 200, 'the session is over')
    },
  },
]

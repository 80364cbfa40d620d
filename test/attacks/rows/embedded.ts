// What a browser makes of our answers for other sites, and for files of the EHR: images, frames, sizes, caches, workers.

import { headerOf, ownPage } from '../outsider.ts'
import type { Row } from '../row.ts'
import { describe, logIn, readFhir } from './reading.ts'

export const embeddedRows: readonly Row[] = [
  {
    id: 'X3',
    what: 'FHIR as an image, script or frame of another site, and as a page',
    async attack(scene) {
      const login = await logIn(scene)
      const before = login.ehr.count('fhir')
      for (const dest of ['image', 'script', 'iframe', 'document', 'object', 'style', 'font']) {
        const isPage = ['iframe', 'document', 'object'].includes(dest)
        for (const site of ['cross-site', 'same-site']) {
          const headers = {
            'Sec-Fetch-Site': site,
            'Sec-Fetch-Dest': dest,
            'Sec-Fetch-Mode': isPage ? 'navigate' : 'no-cors',
          }
          const reply = await readFhir(scene, login, '/Binary/x', { headers })
          scene.hold(reply.status === 403, `${dest} from ${site}: ${describe(reply)}`)
        }
      }
      const page = {
        'Sec-Fetch-Site': 'none',
        'Sec-Fetch-Dest': 'document',
        'Sec-Fetch-Mode': 'navigate',
      }
      const reply = await readFhir(scene, login, '/Binary/x', { headers: page })
      scene.hold(reply.status === 403, `opened in a tab: ${describe(reply)}`)
      scene.hold(login.ehr.count('fhir') === before, 'the EHR was asked')
    },
  },
  {
    id: 'X11',
    what: 'answers of every kind in a frame',
    async attack(scene) {
      const login = await logIn(scene)
      const paths = [
        login.session.path,
        `${login.session.fhirPath}/Basic/x`,
        '~/nowhere',
        '~/sessions',
        '~/healthz',
        '~/%zz',
        '~/logout',
      ]
      for (const path of paths) {
        const reply = await scene.outsider.ask({
          path,
          headers: ownPage,
          cookies: login.jar.cookies,
        })
        const policy = headerOf(reply, 'content-security-policy')
        scene.hold(
          /frame-ancestors (?!\*)/.test(policy),
          `${path.replace(login.session.id, 'ID')}: ${policy || 'no policy'}`,
        )
        scene.hold(
          headerOf(reply, 'x-content-type-options') === 'nosniff',
          `${path.replace(login.session.id, 'ID')}: may be sniffed`,
        )
      }
    },
  },
  {
    id: 'X12',
    what: 'what another site learns from sizes and statuses',
    async attack(scene) {
      const login = await logIn(scene)
      const headers = {
        'Sec-Fetch-Site': 'cross-site',
        'Sec-Fetch-Mode': 'no-cors',
        'Sec-Fetch-Dest': 'image',
      }
      const paths = [`/Patient/${login.grant.patient}`, '/Patient/another', '/Basic/x']
      const seen: string[] = []
      for (const path of paths) {
        for (const cookies of [login.jar.cookies, new Map<string, string>()]) {
          const reply = await readFhir(scene, login, path, { cookies, headers })
          seen.push(
            `${reply.status} ${reply.text.replace(/[\da-f-]{20,}|"requestId":"[^"]*"/g, '').length}`,
          )
          scene.hold(
            headerOf(reply, 'cross-origin-resource-policy') === 'same-origin',
            `${path} is for any site`,
          )
        }
      }
      scene.hold(new Set(seen).size === 1, seen.join(', '))
    },
  },
  {
    id: 'X13',
    what: 'addresses that a cache takes for files',
    async attack(scene) {
      const login = await logIn(scene)
      for (const path of [
        `/Patient/${login.grant.patient}/x.css`,
        '/Basic/x.css',
        '/Basic/x?y.png',
        '/Basic/x.js',
      ]) {
        const reply = await readFhir(scene, login, path)
        scene.hold(
          headerOf(reply, 'cache-control').includes('no-store'),
          `${path}: ${headerOf(reply, 'cache-control')}`,
        )
      }
      for (const path of [
        `${login.session.path}/x.css`,
        `${login.session.path};.css`,
        '~/sessions/x.css',
      ]) {
        const reply = await scene.outsider.ask({
          path,
          headers: ownPage,
          cookies: login.jar.cookies,
        })
        scene.hold(
          !reply.text.includes(login.grant.patient),
          `${path.replace(login.session.id, 'ID')} shows the session`,
        )
      }
    },
  },
  {
    id: 'X15',
    what: 'a file of the EHR as a service worker, script or style',
    async attack(scene) {
      const login = await logIn(scene)
      login.ehr.fhir.set('/Binary/worker', (_request, response) => {
        response
          .writeHead(200, { 'content-type': 'text/javascript', 'service-worker-allowed': '/' })
          .end('1')
      })
      for (const dest of [
        'serviceworker',
        'script',
        'style',
        'worker',
        'sharedworker',
        'manifest',
      ]) {
        const headers = {
          'Sec-Fetch-Site': 'same-origin',
          'Sec-Fetch-Dest': dest,
          'Sec-Fetch-Mode': 'same-origin',
        }
        const reply = await readFhir(scene, login, '/Binary/worker', { headers })
        scene.hold(reply.status === 403, `${dest}: ${describe(reply)}`)
      }
      const reply = await readFhir(scene, login, '/Binary/worker')
      scene.hold(!reply.headers.has('service-worker-allowed'), 'the EHR says what a worker may do')
    },
  },
]

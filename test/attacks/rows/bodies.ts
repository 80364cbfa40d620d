// The proxy’s request side: documents and forms that two readers read differently, or that are dear to read.

import type { Row, Scene } from '../row.ts'
import type { Reply } from '../socket.ts'
import { describe, isRefused, type LoggedIn, logIn, readFhir } from './reading.ts'

const JSON_TYPE = 'application/fhir+json'
const XML_TYPE = 'application/fhir+xml'
const FORM = 'application/x-www-form-urlencoded'

/** Posts a body that may take long to be read. */
async function postFhir(
  scene: Scene,
  login: LoggedIn,
  path: string,
  type: string,
  body: string,
): Promise<Reply> {
  const headers = { 'Content-Type': type }
  return await readFhir(scene, login, path, { method: 'POST', body, headers, withinMs: 20_000 })
}

export const bodyRows: readonly Row[] = [
  {
    id: 'P12',
    what: 'batches whose entries lead out of the FHIR base',
    async attack(scene) {
      const login = await logIn(scene)
      const before = login.ehr.count('fhir')
      const urls = [
        `${scene.ehrs.evil.url}/x`,
        '../../token',
        '//evil.example/x',
        `${scene.ehrs.b.iss}/Basic/x`,
        'Basic/../../token',
        '%2e%2e/x',
      ]
      for (const url of urls) {
        const batch = {
          resourceType: 'Bundle',
          type: 'batch',
          entry: [{ request: { method: 'GET', url } }],
        }
        const reply = await postFhir(scene, login, '', JSON_TYPE, JSON.stringify(batch))
        scene.hold([400, 403, 422].includes(reply.status), `${url}: ${describe(reply)}`)
      }
      scene.hold(login.ehr.count('fhir') === before, 'the EHR was asked')
    },
  },
  {
    id: 'P30',
    what: 'a form of a quarter of a million parameters',
    async attack(scene) {
      const login = await logIn(scene)
      for (const body of ['a&'.repeat(250_000), '&'.repeat(900_000)]) {
        const reply = await postFhir(scene, login, '/Basic/_search', FORM, body)
        scene.hold(reply.status === 200 || isRefused(reply), describe(reply))
      }
      const large = await postFhir(scene, login, '/Basic/_search', FORM, 'a=b&'.repeat(300_000))
      scene.hold(large.status === 413, `1.2 MB: ${describe(large)}`)
    },
  },
  {
    id: 'P31',
    what: 'links to another session of this browser, in every spelling',
    async attack(scene) {
      const login = await logIn(scene, { grant: { sub: 'one-user' } })
      const other = await logIn(scene, { jar: login.jar, grant: { sub: 'one-user' } })
      const link = `${scene.target.origin}${other.session.fhirPath}/Patient/1`
      const spellings = [
        link,
        link.replaceAll('/', '\\u002f'),
        link.replace('http', 'HTTP'),
        link.replace('/sessions', '/%73essions'),
        link.replace('/sessions', '/./sessions'),
        link.replace('/sessions', '//sessions'),
      ]
      for (const spelling of spellings) {
        const body = `{"resourceType":"Basic","subject":{"reference":"${spelling}"}}`
        const reply = await postFhir(scene, login, '/Basic', JSON_TYPE, body)
        scene.hold(
          [400, 422].includes(reply.status),
          `${spelling.slice(0, 40)}: ${describe(reply)}`,
        )
      }
      const reply = await readFhir(scene, login, `/Basic?subject=${encodeURIComponent(link)}`)
      scene.hold([400, 422].includes(reply.status), `in a query: ${describe(reply)}`)
    },
  },
  {
    id: 'P32',
    what: 'documents that two readers read differently',
    async attack(scene) {
      const login = await logIn(scene)
      const before = login.ehr.count('fhir')
      const bundle = '"resourceType":"Bundle","type":"batch"'
      const documents = [
        '\ufeff{}',
        `{${bundle}} {}`,
        `{${bundle},"type":"batch","type":"x"}`,
        '{/* */}',
        "{'a':1}",
        '{"a":01}',
        '{"a":NaN}',
        '{"a":"\n"}',
        `${'['.repeat(500)}${']'.repeat(500)}`,
        '{"a":1,}',
      ]
      for (const body of documents) {
        const reply = await postFhir(scene, login, '', JSON_TYPE, body)
        scene.hold(
          [400, 415, 422].includes(reply.status),
          `${body.slice(0, 30)}: ${describe(reply)}`,
        )
      }
      const documentsOfXml = [
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Bundle>&a;</Bundle>',
        '<Bundle',
        '<a><b></a></b>',
        '<Bundle/><Bundle/>',
      ]
      for (const body of documentsOfXml) {
        const reply = await postFhir(scene, login, '', XML_TYPE, body)
        scene.hold(
          [400, 415, 422].includes(reply.status),
          `${body.slice(0, 30)}: ${describe(reply)}`,
        )
      }
      scene.hold(login.ehr.count('fhir') === before, 'the EHR was asked')
    },
  },
  {
    id: 'P33',
    also: ['DS4'],
    what: 'four megabytes of brackets, of members and of attributes',
    async attack(scene) {
      const login = await logIn(scene)
      const bodies = [
        [JSON_TYPE, '['.repeat(4_000_000)],
        [JSON_TYPE, `{${'"a":{},'.repeat(400_000)}"b":1}`],
        [XML_TYPE, `<Bundle ${'a="b" '.repeat(500_000)}/>`],
      ] as const
      for (const [type, body] of bodies) {
        const reply = await postFhir(scene, login, '', type, body)
        scene.hold(isRefused(reply), `${body.slice(0, 12)}: ${describe(reply)}`)
      }
      scene.hold(
        (await readFhir(scene, login, '/Basic/x')).status === 200,
        'nobody is served any more',
      )
    },
  },
]

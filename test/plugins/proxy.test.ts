import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import proxy from '../../plugins/proxy.ts'
import { answer, headerOf } from '../network/fake-ehr.ts'
import { exchangeRaw } from '../network/raw.ts'
import { buildBareApp } from './alone.ts'
import { otherId, ours, publicUrl, sessionId, useRig } from './proxy-rig.ts'

describe('the proxy', () => {
  const rig = useRig({ frontendOrigins: ['https://spa.example.net'] })
  beforeEach(() => {
    rig.ehr.requests.length = 0
    rig.records.length = 0
  })
  const host = 'app.example.org'
  const cookie = `t-${sessionId}=x`
  const inject = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
    rig.app.inject({ method: method as 'GET', url, headers: { host, cookie, ...headers } })

  test("[AL-52, P8] a read goes to the session's own base with its bearer, once", async () => {
    const { status, text, headers } = await rig.call('/Patient/1?_elements=name')
    assert.equal(status, 200)
    assert.equal(text, '{"resourceType":"Patient"}')
    assert.equal(headers['content-length'], String(text.length))
    const [sent] = rig.ehr.requests
    assert.ok(sent && rig.ehr.requests.length === 1)
    assert.equal(sent.path, '/fhir/r4/Patient/1?_elements=name')
    assert.equal(headerOf(sent, 'authorization'), 'Bearer token-1')
    assert.equal(headerOf(sent, 'host'), rig.ehr.origin.slice('http://'.length))
    assert.deepEqual(sent.headers.map(([name]) => name).sort(), [
      ...['accept', 'accept-encoding', 'authorization', 'connection', 'host', 'user-agent'],
    ])
  })

  test('[G1, P25] one line for each request, without path, query or session id', async () => {
    await rig.call('/Patient/secret-id?name=secret-name')
    await rig.call('/Patient/1', { headers: { cookie: 'none=x' } })
    const [record] = rig.records
    assert.deepEqual(
      { ...record, milliseconds: 0, requestId: typeof record?.requestId },
      {
        method: 'GET',
        route: '/bff/sessions/:id/fhir/*',
        status: 200,
        milliseconds: 0,
        ehr: 'general',
        session: 'record-of-AA',
        aborted: undefined,
        requestId: 'string',
      },
    )
    assert.equal(rig.records.length, 2)
    assert.equal(rig.records[1]?.code, 'session_invalid')
    assert.ok(!JSON.stringify(rig.records).includes('secret'))
  })

  test('[K14] no ticket, a dead one and a foreign one are the same 401', async () => {
    const url = `/bff/sessions/${sessionId}/fhir/Patient`
    const answers = await Promise.all([
      inject(url, { cookie: '' }),
      inject(url, { cookie: `t-${otherId}=x` }),
      inject('/bff/sessions/CCCCCCCCCCCCCCCCCCCCCC/fhir/Patient', {
        cookie: 't-CCCCCCCCCCCCCCCCCCCCCC=x',
      }),
      inject('/bff/sessions/short/fhir/Patient'),
    ])
    const bodies = answers.map(({ statusCode, body }) => `${statusCode} ${body}`)
    assert.equal(new Set(bodies).size, 1)
    assert.match(bodies[0] ?? '', /^401 .*session_invalid/)
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[X3, X12, X15] other sites and pages get the same 403, with or without a session', async () => {
    const url = `/bff/sessions/${sessionId}/fhir/Patient`
    const callers = [
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
      { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
      {
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'cors',
        'sec-fetch-dest': 'serviceworker',
      },
    ]
    for (const headers of callers) {
      const signedIn = await inject(url, headers)
      const signedOut = await inject(url, { ...headers, cookie: '' })
      assert.equal(signedIn.statusCode, 403)
      const anybody = (text: string) => text.replace(/Request [\w-]+</, '')
      assert.equal(anybody(signedIn.body), anybody(signedOut.body))
      const own = { date: '', 'x-request-id': '', 'content-length': '' }
      assert.deepEqual({ ...signedIn.headers, ...own }, { ...signedOut.headers, ...own })
      assert.equal(signedIn.headers['cross-origin-resource-policy'], 'same-origin')
    }
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[X1, X8] a form of another site is refused before its body is read', async () => {
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']
    const answers = await Promise.all(
      types.map(type => {
        const headers = ['Origin: https://evil.example', `Content-Type: ${type}`]
        const bytes = rig.raw('POST /Patient', [...headers, 'Content-Length: 9000000'])
        return exchangeRaw(rig.port, bytes)
      }),
    )
    for (const got of answers) assert.match(got, /^HTTP\/1\.1 403 [\s\S]*cross_site/)
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[X7] a frontend at another origin may read what it needs', async () => {
    const origin = 'https://spa.example.net'
    const { status, headers } = await rig.call('/Patient/1', {
      headers: { origin, 'sec-fetch-site': 'cross-site' },
    })
    assert.equal(status, 200)
    assert.equal(headers['access-control-allow-origin'], origin)
    assert.equal(headers['access-control-allow-credentials'], 'true')
    const preflight = await inject(
      `/bff/sessions/${sessionId}/fhir/Patient`,
      { origin, 'access-control-request-method': 'PUT', cookie: '' },
      'OPTIONS',
    )
    assert.equal(preflight.statusCode, 204)
  })

  test('[P11, X9] other methods are a 405 that names those that work', async () => {
    for (const method of ['TRACE', 'PROPFIND', 'QUERY', 'OPTIONS', 'LINK', 'MKCOL']) {
      const got = await exchangeRaw(rig.port, rig.raw(`${method} /Patient`))
      assert.match(got, /^HTTP\/1\.1 405 /, method)
      assert.match(got, /details="method_not_allowed"/)
      if (method === 'QUERY') continue
      assert.match(got, /\r\nallow: [^\r]*GET[^\r]*PATCH/i)
      assert.match(got, /OperationOutcome/)
    }
    assert.match(await exchangeRaw(rig.port, rig.raw('get /Patient')), /^HTTP\/1\.1 400 /)
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[P22] an upgrade is refused', async () => {
    for (const upgrade of ['websocket', 'h2c']) {
      const headers = [`Upgrade: ${upgrade}`, 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA']
      const got = await exchangeRaw(rig.port, rig.raw('GET /Patient', headers))
      assert.match(got, /^HTTP\/1\.1 426 [\s\S]*upgrade_refused/)
    }
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('a refusal is an OperationOutcome in the format that was asked for', async () => {
    const json = await rig.call('/x;y')
    assert.equal(json.headers['content-type'], 'application/fhir+json; charset=utf-8')
    assert.equal(JSON.parse(json.text).issue[0].details.coding[0].code, 'path_invalid')
    const xml = await rig.call('/x;y?_format=xml')
    assert.match(xml.text, /^<OperationOutcome/)
    const old = await rig.call('/x;y', { headers: { accept: 'application/json+fhir' } })
    assert.equal(old.headers['content-type'], 'application/json+fhir; charset=utf-8')
    for (const { headers, status } of [json, xml, old]) {
      assert.equal(status, 400)
      assert.equal(headers['cache-control'], 'no-store, private')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.match(String(headers['content-security-policy']), /sandbox/)
      assert.match(String(headers['proxy-status']), /^fhirstorm; error=http_request_error/)
    }
  })

  test('scripts with one ticket may use the alias, browsers are told their base', async () => {
    const script = await inject('/bff/fhir/Patient/1')
    assert.equal(script.statusCode, 200)
    assert.equal(rig.ehr.requests[0]?.path, '/fhir/r4/Patient/1')
    const browser = await inject('/bff/fhir/Patient/1', { 'sec-fetch-site': 'same-origin' })
    assert.equal(browser.statusCode, 409)
    assert.match(browser.body, /session_ambiguous/)
    assert.equal(browser.headers.link, `<${ours}>; rel="alternate"`)
    const two = await inject('/bff/fhir/Patient/1', { cookie: `${cookie}; t-${otherId}=x` })
    assert.equal(two.statusCode, 409)
    assert.equal((await inject('/bff/fhir/Patient/1', { cookie: '' })).statusCode, 401)
    assert.equal(rig.ehr.requests.length, 1)
  })

  test('[R17] what the EHR says of itself, it says of us', async () => {
    rig.ehr.handler = request =>
      answer(request, {
        status: 201,
        headers: { location: `${rig.base}/Patient/1/_history/1`, etag: '"1"' },
        body: JSON.stringify({ fullUrl: `${rig.base}/Patient/1`, text: rig.base }),
      })
    const { status, headers, text } = await rig.call('/Patient')
    assert.equal(status, 201)
    assert.equal(headers.location, `${ours}/Patient/1/_history/1`)
    assert.equal(headers.etag, 'W/"1"')
    assert.deepEqual(JSON.parse(text), { fullUrl: `${ours}/Patient/1`, text: rig.base })
    assert.equal(headers['content-length'], String(text.length))
  })

  test('and what a client says by our address reaches the EHR as its own', async () => {
    rig.ehr.handler = async request => answer(request, { body: await request.body() })
    const body = JSON.stringify({ subject: { reference: `${ours}/Patient/1` } })
    const { text } = await rig.call(
      `/Observation?subject=${encodeURIComponent(ours)}%2FPatient%2F1`,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/fhir+json',
          'if-none-exist': `subject=${ours}/Patient/1`,
        },
        body,
      },
    )
    assert.equal(text, body, 'and is rewritten on its way back')
    const [sent] = rig.ehr.requests
    assert.ok(sent)
    assert.equal(await sent.body(), body.replace(ours, rig.base))
    assert.equal(
      sent.path,
      `/fhir/r4/Observation?subject=${encodeURIComponent(rig.base)}%2FPatient%2F1`,
    )
    assert.equal(headerOf(sent, 'if-none-exist'), `subject=${rig.base}/Patient/1`)
    assert.equal(headerOf(sent, 'content-length'), String(body.replace(ours, rig.base).length))
  })

  test('[K13, P26] what belongs to another session is refused, and nothing is sent', async () => {
    const foreign = `${publicUrl}/sessions/${otherId}/fhir/Patient/1`
    const post = (type: string, body: string, path = '/Observation') =>
      rig.call(path, { method: 'POST', headers: { 'content-type': type }, body })
    const answers = await Promise.all([
      post('application/fhir+json', JSON.stringify({ subject: { reference: foreign } })),
      post(
        'application/fhir+xml',
        `<Observation><subject><reference value="${foreign}"/></subject></Observation>`,
      ),
      post(
        'application/json-patch+json',
        JSON.stringify([{ op: 'add', path: '/x', value: foreign }]),
      ),
      post(
        'application/x-www-form-urlencoded',
        `subject=${encodeURIComponent(foreign)}`,
        '/Observation/_search',
      ),
      rig.call(`/Observation?subject=${foreign}`),
      rig.call('/Observation', { headers: { 'if-none-exist': `subject=${foreign}` } }),
    ])
    for (const { status, refusal } of answers) {
      assert.equal(status, 422)
      assert.equal(refusal, 'foreign_reference')
    }
    assert.equal(rig.ehr.requests.length, 0)
  })
})

test('[GU7] without tokens of the host the proxy needs those of sessions of ours, and says whose are missing', async t => {
  for (const [parts, missing] of [
    [['smartGuard'], 'tickets'],
    [['smartGuard', 'smartTickets'], 'renewal'],
  ] as const) {
    const app = buildBareApp(Object.fromEntries(parts.map(part => [part, {}])))
    t.after(() => app.close())
    const registering = Promise.resolve(app.register(proxy, { registrations: [], publicUrl }))
    await assert.rejects(registering, {
      message: `fhirstorm-proxy: options.token is missing, and so is fhirstorm-${missing}`,
    })
  }
})

describe('a page of our own', () => {
  const rig = useRig()

  test('[X3] has files saved and nothing else: no other data is shown by going to its address', async () => {
    for (const dest of ['empty', 'document']) {
      const headers = {
        ...{ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' },
        'sec-fetch-dest': dest,
      }
      rig.ehr.requests.length = 0
      for (const path of ['/Patient/1', '/Binaries/1', '/Patient/Binary/1', '?_id=1']) {
        const shown = await rig.call(path, { headers })
        assert.deepEqual([shown.status, shown.refusal], [403, 'navigation_refused'], path)
      }
      assert.equal(rig.ehr.requests.length, 0)
      const saved = await rig.call('/Binary/1', { headers })
      assert.equal(saved.status, 200)
      assert.match(String(saved.headers['content-disposition']), /^attachment/)
      const changed = await rig.call('/Binary/1', { method: 'DELETE', headers })
      assert.deepEqual([changed.status, changed.refusal], [403, 'navigation_refused'])
    }
  })
})

describe('an existing app behind the façade', () => {
  const rig = useRig({ facade: true })

  test('[FA3] names a session beside its ticket, at its own EHR alone', async () => {
    const ask = async (ehr: string, authorization: string, cookie = `t-${sessionId}=x`) => {
      const headers = { host: 'app.example.org', cookie, authorization }
      const url = `/bff/smart/${ehr}/Patient/1`
      return (await rig.app.inject({ url, headers })).statusCode
    }
    const name = `Bearer ${sessionId}`
    assert.equal(await ask('general', name), 200)
    rig.ehr.requests.length = 0
    assert.equal(await ask('other', name), 401)
    assert.equal(await ask('general', name, ''), 401)
    assert.equal(await ask('general', `Bearer ${otherId}`), 401)
    for (const wrong of ['', 'Bearer ', `Basic ${sessionId}`, `${name}A`]) {
      assert.equal(await ask('general', wrong), 401, wrong)
    }
    assert.equal(rig.ehr.requests.length, 0)
  })
})

describe('a patient portal', () => {
  const rig = useRig({ fhirAlias: 'always' })

  test('lets its browser use the alias, but never where two sessions are', async () => {
    const host = 'app.example.org'
    const site = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }
    const ask = (cookie: string) =>
      rig.app.inject({ url: '/bff/fhir/Patient/1', headers: { host, cookie, ...site } })
    assert.equal((await ask(`t-${sessionId}=x`)).statusCode, 200)
    assert.equal((await ask(`t-${sessionId}=x; t-${otherId}=x`)).statusCode, 409)
  })
})

describe('an app in a frame of the EHR', () => {
  const rig = useRig({ registration: { embedded: true } })

  test('[K17] needs Origin or the header even for reads of old browsers', async () => {
    const ask = (headers: Record<string, string>) =>
      rig.app.inject({
        url: `/bff/sessions/${sessionId}/fhir/Patient/1`,
        headers: { host: 'app.example.org', cookie: `t-${sessionId}=x`, ...headers },
      })
    assert.equal((await ask({})).statusCode, 403)
    assert.equal((await ask({ 'x-csrf': '1' })).statusCode, 200)
    assert.equal((await ask({ origin: 'https://app.example.org' })).statusCode, 200)
    assert.equal((await ask({ 'sec-fetch-site': 'same-origin' })).statusCode, 200)
  })
})

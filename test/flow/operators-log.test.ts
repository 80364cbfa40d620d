// What an operator reads of a refusal: one line with the id that the user was shown, the EHR, and what is
// to be done; and of callers that a proxy in front has made strange. Never what was sent, raw.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connectRaw } from '../network/raw.ts'
import { type Answer, createBrowser } from '../world/browser.ts'
import { createWorld, type WorldOptions } from '../world/world.ts'
import { logIn } from './login.ts'

async function start(t: TestContext, options: WorldOptions = {}) {
  const world = await createWorld(options)
  t.after(() => world.close())
  const lines = () => world.log.map(line => JSON.parse(line) as Record<string, unknown>)
  const lineOf = ({ text }: Answer) => {
    const [, id] = /"requestId":"([^"]+)"|Request ([\w-]+)</.exec(text)?.filter(Boolean) ?? []
    assert.ok(id, text)
    return lines().find(({ reqId, code }) => reqId === id && code !== undefined)
  }
  return { world, lines, lineOf, browser: createBrowser() }
}

const HOSTILE = 'https://user:hunter2@evil.example/fhir/%0d%0a?token=hunter2'

test('[Q45] a refusal is in the log with its request, its EHR and what it was about', async t => {
  const { world, browser, lineOf } = await start(t)
  const unknown = await browser.navigate(
    `${world.app}/launch?launch=x&iss=${encodeURIComponent(HOSTILE)}`,
  )
  assert.deepEqual(
    [lineOf(unknown)?.code, lineOf(unknown)?.level, lineOf(unknown)?.detail],
    ['unknown_issuer', 'warn', 'no EHR is registered at https://evil.example/fhir/?0d?0a'],
  )
  const nobody = await browser.navigate(`${world.app}/login?ehr=nobody`)
  assert.equal(lineOf(nobody)?.detail, 'asked for nobody')
  const foreign = await browser.fetch(`${world.app}/sessions`, {
    headers: { origin: 'https://evil.example' },
  })
  assert.equal(lineOf(foreign)?.detail, 'Origin: https://evil.example')
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const gone = await browser.fetch(fhirBaseUrl.replace(/sessions\/\w/, 'sessions/_'))
  assert.equal(gone.status, 401)
  const log = world.log.join('')
  assert.doesNotMatch(log, /hunter2|amy-shaw/)
})

test('[G1, Q45] what stands where an address or an id should be is not in the log', async t => {
  const { world, browser, lineOf } = await start(t)
  const token = 'eyJhbGciOiJub25lIn0.hunter2.sig'
  for (const iss of [
    token,
    'Amy Shaw',
    'user:hunter2@evil.example',
    `launch-${token}`,
    `/${token}`,
  ]) {
    for (const path of ['/launch?launch=x&iss=', '/login?iss=']) {
      const refused = await browser.navigate(`${world.app}${path}${encodeURIComponent(iss)}`)
      assert.equal(lineOf(refused)?.detail, 'no EHR is registered at what is no address')
    }
  }
  for (const ehr of [token, 'Amy Shaw', 'amy-shaw/'.repeat(5)]) {
    const refused = await browser.navigate(`${world.app}/login?ehr=${encodeURIComponent(ehr)}`)
    assert.equal(lineOf(refused)?.detail, 'asked for what is no id')
  }
  for (const iss of ['https:\\\\user:hunter2@evil.example', 'https:user:hunter2@evil.example']) {
    const refused = await browser.navigate(
      `${world.app}/launch?launch=x&iss=${encodeURIComponent(iss)}`,
    )
    assert.equal(lineOf(refused)?.code, 'unknown_issuer')
  }
  assert.doesNotMatch(world.log.join(''), /hunter2|Amy|amy-shaw/)
})

test('[Q45] a token that an EHR refuses for good is told with the EHR', async t => {
  const { world, browser, lines } = await start(t, {
    sandbox: {
      faces: [
        {
          name: 'refusing',
          about: 'Refuses every token at its FHIR base.',
          fhir: async () => ({ status: 401, headers: {}, body: '' }),
        },
      ],
    },
    configure(document, sandbox) {
      const [general] = document.ehrs
      document.ehrs.push({ ...general, id: 'refusing', iss: `${sandbox}/faces/refusing/fhir` })
    },
  })
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', 'ehr=refusing')
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 401)
  const line = lines().find(({ code }) => code === 'upstream_unauthorized')
  assert.equal(line?.ehr, 'refusing')
  assert.equal(typeof line?.reqId, 'string')
})

test('[Q41] an authorization that the EHR refuses is a warning, a number, and true words', async t => {
  const { world, browser, lines } = await start(t, {
    sandbox: {
      faces: [
        {
          name: 'strict',
          about: 'Refuses every authorization.',
          refusesAuthorization: 'invalid_scope',
        },
      ],
    },
    configure(document, sandbox) {
      const [general] = document.ehrs
      document.frontend = {}
      document.ehrs.push({ ...general, id: 'strict', iss: `${sandbox}/faces/strict/fhir` })
    },
  })
  const landing = await browser.navigate(`${world.app}/login?ehr=strict`)
  assert.equal(new URL(landing.url).searchParams.get('error'), 'invalid_scope')
  assert.match(landing.text, /The EHR does not give this app what it asks for/)
  const line = lines().find(({ msg }) => msg === 'refused by the EHR')
  assert.deepEqual([line?.level, line?.ehr, line?.reason], ['warn', 'strict', 'invalid_scope'])
  const metrics = await world.product.smartMetrics.text()
  assert.match(
    metrics,
    /^fhirstorm_authorization_denials_total\{ehr="strict",error="invalid_scope"\} 1$/m,
  )
})

test('[P6, BX1] a Host that no proxy passed on is in the log beside those that are served, and `hosts` serves more', async t => {
  const { world, lines } = await start(t, {
    configure(document) {
      document.hosts = ['broker.internal:8080']
    },
  })
  const { port, host } = new URL(world.app)
  const ask = async (name: string, headers = '') => {
    const client = await connectRaw(Number(port))
    client.send(`GET /ehrs HTTP/1.1\r\nHost: ${name}\r\n${headers}Connection: close\r\n\r\n`)
    return Number((await client.closed()).slice(9, 12))
  }
  assert.equal(await ask(host), 200)
  assert.equal(await ask('broker.internal:8080'), 200)
  assert.equal(await ask('broker.internal:8080', 'Origin: http://broker.internal:8080\r\n'), 403)
  assert.equal(await ask('upstream_pool"\t<x>'), 421)
  const line = lines().find(({ code }) => code === 'unknown_host')
  assert.deepEqual(
    [line?.level, line?.detail],
    [
      'warn',
      `Host: upstream_pool???x?; served (publicUrl, frontend.origins, hosts): ${host}, broker.internal:8080`,
    ],
  )
})

test('[BX2] a pre-flight with tracing headers, and with those that the configuration names, lets the frontend in', async t => {
  const { world } = await start(t, {
    configure(document) {
      document.frontend = { origins: ['https://front.example'], allowHeaders: ['X-Own'] }
    },
  })
  const asked =
    'sentry-trace,baggage,traceparent,tracestate,x-requested-with,x-medplum,x-own,content-type,if-match'
  const answer = await fetch(`${world.app}/sessions`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://front.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': asked,
    },
  })
  assert.equal(answer.status, 204)
  const allowed = (answer.headers.get('access-control-allow-headers') ?? '')
    .toLowerCase()
    .split(', ')
  for (const name of asked.split(',')) assert.ok(allowed.includes(name), name)
  assert.ok(!allowed.includes('authorization') && !allowed.includes('cookie'))
  const list = await fetch(`${world.app}/sessions`, {
    headers: { origin: 'https://front.example' },
  })
  assert.match(list.headers.get('access-control-expose-headers') ?? '', /^Date, .*X-Request-Id/)
})

test('[BX3] health answers GET and HEAD, for any Host, at the root too', async t => {
  const { world } = await start(t)
  const { port } = new URL(world.app)
  for (const method of ['GET', 'HEAD']) {
    for (const path of ['/healthz', '/readyz']) {
      const client = await connectRaw(Number(port))
      client.send(`${method} ${path} HTTP/1.1\r\nHost: 10.0.0.7:8080\r\nConnection: close\r\n\r\n`)
      const text = await client.closed()
      assert.match(text, /^HTTP\/1\.1 200 /)
      assert.equal(text.endsWith('\r\n\r\n'), method === 'HEAD')
    }
  }
})

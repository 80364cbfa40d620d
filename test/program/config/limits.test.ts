// The settings under `limits`: each one reaches what it limits, the defaults fit each other, and what contradicts is
// refused with its place.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { z } from 'zod'
import { listContradictions } from '../../../program/config/limit-faults.ts'
import { limitsSchema } from '../../../program/config/limits-schema.ts'
import { ConfigError, loadConfig } from '../../../program/config/load.ts'
import { resolveLimits } from '../../../program/limits.ts'
import { buildOptions } from '../../../program/options.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'
import {
  defaultAnswerLimits,
  defaultConnectionLimits,
  defaultEventLimits,
  defaultGuessLimits,
  defaultLaunchPace,
  defaultLoginRate,
  defaultMemoryLimits,
  defaultProxyLimits,
  MAX_LAUNCHES,
} from '../../../src/limits.ts'
import { createMemoryVault } from '../../../src/vault/memory.ts'

const ring = printKeyRing(makeKeyRing(0, randomBytes))

async function load(limits: string, ehr = '') {
  const text = `publicUrl: https://app.example.org
keysFile: keys.json
vault: { kind: memory }
admin: { port: 5009 }
internal: { socket: /run/fhirstorm.sock }
facade: { launchUrl: /start, redirectUris: [/], clientId: app }
limits: ${limits}
ehrs:
  - id: general
    name: General
    iss: https://ehr.example.org/fhir
    clientId: app
    clientAuth: { method: client_secret_basic, secret: a long and random secret }
    scope: launch
${ehr}`
  const file = { name: 'fhirstorm.yaml', text }
  return await loadConfig({ file, env: {}, readFile: async () => ring })
}

test('[LM1] unless told the limits are those of the parts, and fit each other', () => {
  const limits = limitsSchema.parse({})
  assert.deepEqual(listContradictions(limits), [])
  const { pressure, ...resolved } = resolveLimits(limits)
  assert.deepEqual(resolved, {
    connections: defaultConnectionLimits,
    pace: defaultLaunchPace,
    loginRate: defaultLoginRate,
    perBrowser: MAX_LAUNCHES,
    proxy: defaultProxyLimits,
    sessionStreams: defaultEventLimits,
    answers: defaultAnswerLimits,
    kept: defaultMemoryLimits,
    guesses: defaultGuessLimits,
  })
  // Of this machine, or this container.
  assert.ok(pressure.residentBytes > 64 * 2 ** 20 && Number.isFinite(pressure.residentBytes))
})

/** The leaves of the schema by name, each with a value that is not its default. */
function listOtherValues(): [name: string, value: number][] {
  const walk = (schema: Record<string, never>, path: string[]): [string, number][] => {
    if (schema.properties === undefined) {
      const { default: usual = 100, minimum, maximum } = schema as Record<string, number>
      const other = usual * 2 <= (maximum ?? 0) ? usual * 2 : usual / 2
      assert.ok(other >= (minimum ?? 0) && other !== usual, path.join('.'))
      return [[path.join('.'), Math.ceil(other)]]
    }
    return Object.entries(schema.properties).flatMap(([name, part]) =>
      walk(part as Record<string, never>, [...path, name]),
    )
  }
  return walk(z.toJSONSchema(limitsSchema, { io: 'input' }) as unknown as Record<string, never>, [])
}

const nest = (name: string, value: number) =>
  name.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value)

test('[LM1] each setting changes what the parts are held to, and has words of its own', async () => {
  const usual = resolveLimits(limitsSchema.parse({}))
  const names = listOtherValues()
  assert.ok(names.length > 30)
  for (const [name, value] of names) {
    const changed = resolveLimits(limitsSchema.parse(nest(name, value)))
    const parts = Object.keys(usual).filter(part => {
      const key = part as keyof typeof usual
      return JSON.stringify(usual[key]) !== JSON.stringify(changed[key])
    })
    // One part each, but for clients that do not read: of FHIR and of the frontend's files.
    const expected = name === 'answers.unreadSeconds' ? 2 : 1
    assert.equal(parts.length, expected, `${name}: ${parts}`)
  }
})

test('[LM1] each part of the product gets its limits', async () => {
  const limits = limitsSchema.parse({
    connections: { requestSeconds: 7 },
    logins: { perAddress: 11, requestsPerAddress: 12, perBrowser: 3 },
    inFlight: { user: 13 },
    requestsPerSecond: { user: 14 },
    sessionStreams: { perSession: 15 },
    keptMegabytes: { sessions: 16, tickets: 17 },
    answers: { unreadSeconds: 18 },
    breaker: { failures: 19 },
    memory: { residentMegabytes: 900 },
    guesses: { perMinute: 4 },
  })
  const config = await load(JSON.stringify(limits))
  const vault = createMemoryVault({})
  const options = buildOptions(config, { vault })
  const resolved = resolveLimits(limits)
  assert.deepEqual(
    {
      connections: options.limits?.connections,
      pressure: options.limits?.pressure,
      answers: options.limits?.answers,
      pace: [options.launch.pace, options.facade?.pace],
      loginRate: [
        options.launch.rateLimit,
        options.callback.rateLimit,
        options.facade?.rateLimit,
        options.backchannelLogout.rateLimit,
      ],
      perBrowser: [options.launch.perBrowser, options.callback.perBrowser],
      proxy: options.proxy.limits,
      sessionStreams: options.sessionEvents.limits,
      kept: {
        openedBytes: options.sessionStore.openedBytes,
        ticketBytes: options.tickets.ticketBytes,
      },
      guesses: [options.admin?.guesses, options.internal?.guesses],
    },
    {
      ...resolved,
      pace: [resolved.pace, resolved.pace],
      loginRate: Array(4).fill(resolved.loginRate),
      perBrowser: [3, 3],
      guesses: [resolved.guesses, resolved.guesses],
    },
  )
})

test('[LM1] of several processes each gets its share of what may begin within a while, and of the memory', () => {
  const limits = limitsSchema.parse({ requestsPerSecond: { user: 9, ehr: 90 } })
  const [alone, one] = [resolveLimits(limits), resolveLimits(limits, 4)]
  assert.deepEqual(one, {
    ...alone,
    pace: { caller: 250, ehr: 500, all: 1_250, windowMs: 60_000 },
    loginRate: { ...alone.loginRate, max: 150 },
    proxy: { ...alone.proxy, perSecond: { user: 3, ehr: 23 } },
    guesses: { ...alone.guesses, max: 3 },
    pressure: { ...alone.pressure, residentBytes: alone.pressure.residentBytes / 4 },
  })
})

test('[LM1] limits that contradict are refused, each with its place', async () => {
  for (const [limits, setting, words] of [
    [
      '{ connections: { all: 5, perAddress: 6 } }',
      'limits.connections.perAddress',
      'connections.all',
    ],
    ['{ logins: { perAddress: 3000 } }', 'limits.logins.perAddress', 'logins.perEhr'],
    ['{ logins: { perEhr: 9000 } }', 'limits.logins.perEhr', 'logins.all'],
    ['{ inFlight: { user: 600 } }', 'limits.inFlight.user', 'inFlight.ehr'],
    ['{ inFlight: { all: 9000 } }', 'limits.inFlight.all', 'connections.all'],
    ['{ ehrStreams: { ehr: 2000 } }', 'limits.ehrStreams.ehr', 'ehrStreams.all'],
    ['{ sessionStreams: { all: 5000 } }', 'limits.sessionStreams.all', 'connections.all'],
    ['{ heldMegabytes: { user: 100 } }', 'limits.heldMegabytes.user', 'heldMegabytes.ehr'],
    ['{ bodies: { megabytes: 8 } }', 'limits.bodies.documentMegabytes', 'bodies.megabytes'],
    ['{ heldMegabytes: { user: 8 } }', 'limits.bodies.documentMegabytes', 'heldMegabytes.user'],
    [
      '{ answers: { totalSeconds: 40 } }',
      'limits.answers.firstByteSeconds',
      'answers.totalSeconds',
    ],
    [
      '{ requestsPerSecond: { user: 5, ehr: 4 } }',
      'limits.requestsPerSecond.user',
      'requestsPerSecond.ehr',
    ],
    [
      '{ memory: { residentMegabytes: 200 } }',
      'limits.memory.residentMegabytes',
      'heldMegabytes.all',
    ],
  ] as const) {
    const error = await load(limits).then(
      () => assert.fail(`accepted: ${limits}`),
      reason => reason,
    )
    assert.ok(error instanceof ConfigError)
    const found = error.faults.find(fault => fault.setting === setting)
    assert.ok(found?.message.includes(words), `${limits}: ${error.message}`)
    assert.match(found?.where ?? '', /fhirstorm\.yaml:\d+:\d+/)
  }
  const late = load('{ answers: { totalSeconds: 100 } }', '    firstByteSeconds: 200\n')
  await assert.rejects(late, /ehrs\[0\]\.firstByteSeconds: more than limits\.answers\.totalSeconds/)
})

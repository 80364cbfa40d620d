// A world for renewals: faces whose token answers fail in every way, an EHR behind a line that breaks,
// access tokens of two minutes, token calls that are given up after 1.5 s, and a clock to be moved.

import assert from 'node:assert/strict'
import { late } from '../../sandbox/faces/answers.ts'
import type { TokenCall } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { type LoggedIn, logIn } from '../flow/login.ts'
import type { Answer, Browser } from '../world/browser.ts'
import { ehrIdsWith, endlessFace, registerFaces } from '../world/ehrs.ts'
import { type Line, startLine } from '../world/line.ts'
import { createWorld, type World } from '../world/world.ts'

export interface RefreshRig {
  world: World
  line: Line
  /** What the face `late` has given at renewals. */
  given: Record<string, unknown>[]
  /** Calls that the EHR has had. */
  counts: { token: number; revoke: number }
  pass(milliseconds: number): void
  /** To a moment when tokens of this age are renewed, and still live. */
  nearTheEnd(): void
  pastTheEnd(): void
  begin(browser: Browser, ehr: string): Promise<LoggedIn>
  read(browser: Browser, session: LoggedIn): Promise<Answer>
  isLive(browser: Browser, session: LoggedIn): Promise<boolean>
  /** Back to the time of day; to be called before each test. */
  reset(): void
  close(): Promise<void>
}

const SECOND = 1000
/** Life of an access token; it is renewed in its last twelve seconds at the latest. */
const LIFE_SECONDS = 120

const stuckFace = {
  name: 'stuck',
  about: 'Renewals hang before anything is done.',
  beforeToken: ({ renewal }: TokenCall) => (renewal > 0 ? late(json({}), 30 * SECOND) : undefined),
}
const farFace = { name: 'far', about: 'Behind a line that breaks.' }
const namedFaces = [
  ...['renewal-503', 'renewal-429', 'renewal-slow', 'renewal-invalid-client'],
  ...['renewal-invalid-grant', 'renewal-invalid-grant-500', 'renewal-lost', 'no-rotation'],
  ...['renewal-other-patient', 'renewal-other-sub', 'renewal-lacking-claims', 'fhir-401'],
]

/** Starts it all. */
export async function startRefreshRig(): Promise<RefreshRig> {
  const line = await startLine()
  const given: RefreshRig['given'] = []
  const counts = { token: 0, revoke: 0 }
  let passed = 0
  const lateFace = {
    name: 'late',
    about: 'Renewals take a second.',
    async token(body: Record<string, unknown>, { renewal }: TokenCall) {
      if (renewal === 0) return json(body)
      given.push(body)
      return await late(json(body), SECOND)
    },
  }
  const world = await createWorld({
    now: () => Date.now() + passed,
    adjust({ authorizationServer, renewal }) {
      authorizationServer.deadlineMs = 1_500
      renewal.deadlineMs = 1_500
      renewal.steady = () => performance.now() + passed
    },
    sandbox: {
      accessTokenSeconds: LIFE_SECONDS,
      faces: [endlessFace, lateFace, stuckFace, farFace],
      ehrIds: ehrIdsWith('endless', 'late', 'stuck', 'far', 'online', ...namedFaces),
      onRequest({ path }) {
        if (path.endsWith('/token')) counts.token++
        if (path.endsWith('/revoke')) counts.revoke++
      },
    },
    configure(document, sandboxUrl) {
      registerFaces(document, sandboxUrl, ['endless', 'late', 'stuck', ...namedFaces])
      registerFaces(document, sandboxUrl, ['far'], { proxy: line.url })
      const scope = 'launch openid fhirUser online_access patient/*.rs'
      registerFaces(document, sandboxUrl, ['r4'], {
        ...{ id: 'online', iss: `${sandboxUrl}/r4`, redirectPath: '/redirect/online', scope },
      })
    },
  })
  const pass = (milliseconds: number) => {
    passed += milliseconds
  }
  return {
    ...{ world, line, given, counts, pass },
    nearTheEnd: () => pass((LIFE_SECONDS - 8) * SECOND),
    pastTheEnd: () => pass(20 * SECOND),
    begin: (browser, ehr) => logIn(world, browser, 'amy-shaw', `ehr=${ehr}`),
    read: (browser, { fhirBaseUrl }) => browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`),
    async isLive(browser, { id }) {
      const answer = await browser.fetch(`${world.app}/sessions/${id}?slide=false`)
      return answer.status === 200
    },
    reset() {
      passed = 0
    },
    async close() {
      await world.close()
      await line.close()
    },
  }
}

/** The code of a refusal of ours; undefined for the EHR's own answers. */
export function codeOf({ headers }: Answer): string | undefined {
  return /details="([a-z_]+)"/.exec(headers.get('proxy-status') ?? '')?.[1]
}

/** Holds that nothing of an EHR, a token or a patient has got into the log. */
export function assertCleanLog({ world, line }: RefreshRig): void {
  const log = world.log.join('')
  for (const word of ['eyJ', 'Bearer', 'amy-shaw', 'hiro', 'named fault', 'Welcome', line.url]) {
    assert.ok(!log.includes(word), word)
  }
}

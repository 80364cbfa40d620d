// Runs the rows against a deployment: slow ones beside the others, the others one after another, so that
// nobody is flooded. After each row three things hold whatever it was about: no answer showed a secret of
// the EHRs, nobody talked to the stranger, and somebody else's session goes on.

import type { SuiteConfig } from './config.ts'
import type { HostileEhr } from './ehr/ehr.ts'
import { type HostileEhrs, startEhrs } from './ehr/ehrs.ts'
import { beginLogin, type Login } from './login.ts'
import { createOutsider, headerOf, type Outsider, ownPage } from './outsider.ts'
import type { Finding, Row, Scene } from './row.ts'
import { rows as allRows } from './rows/rows.ts'
import type { Peer } from './socket.ts'

export interface SuiteOptions {
  /** Public URL. */
  target: string
  config: SuiteConfig
  /** Rows of these ids alone; all unless told. */
  only?: readonly string[]
  /** Leaves rows out that wait for time-outs. */
  isQuick?: boolean
  insecure?: boolean
  ca?: string
  onFinding?: (finding: Finding) => void
}

/** What is said when the target does not know the suite's EHRs. */
export class NotRegistered extends Error {}

/** Marks what holds after every row, and did not. */
export const ALWAYS = 'always: '

const TOKEN = /(?:access|refresh)-[\w-]{24}/g
const MOST_SEEN = 50
const MOST_TRIES = 4
const LONGEST_REST_SECONDS = 60

/** Attacks a deployment; a finding for each row. Rejects with NotRegistered, or where nothing answers. */
export async function runSuite(options: SuiteOptions): Promise<Finding[]> {
  const ehrs = await startEhrs(options.config)
  try {
    return await attack(options, ehrs)
  } finally {
    await ehrs.close()
  }
}

async function attack(options: SuiteOptions, ehrs: HostileEhrs): Promise<Finding[]> {
  const url = options.target.replace(/\/$/, '')
  const { origin, pathname, protocol } = new URL(url)
  const prefix = pathname.replace(/\/$/, '')
  const target = { url, origin, prefix, isSecure: protocol === 'https:' }
  const peer: Peer = { origin, ca: options.ca, insecure: options.insecure }
  const create = () => createOutsider(peer, prefix)
  const [victim] = await Promise.all([ehrs.a, ehrs.b].map(logInFirst))
  const hasFacade = await findFacade(create())
  const findings: Finding[] = []
  const { only = [] } = options
  const isAsked = ({ id, also = [] }: Row) =>
    only.length === 0 || [id, ...also].some(each => only.includes(each))
  const asked = allRows.filter(isAsked)
  const slow = asked.filter(({ isSlow }) => isSlow)
  const waiting = slow.map(row =>
    options.isQuick ? leaveOut(row, 'it waits for time-outs') : judge(row),
  )
  for (const row of asked.filter(({ isSlow }) => !isSlow)) await judge(row)
  await Promise.all(waiting)
  return findings

  async function judge(row: Row): Promise<void> {
    if (row.needs === 'facade' && !hasFacade) return leaveOut(row, 'there is no façade')
    if (row.needs === 'tls' && !target.isSecure) return leaveOut(row, 'there is no TLS')
    const outsider = create()
    const failed: string[] = []
    let held = 0
    const hold = (isWell: boolean, seen: string) => {
      if (isWell) held++
      else failed.push(seen)
    }
    const begin: Scene['begin'] = login =>
      beginLogin(outsider, target, { ...login, ehr: login?.ehr ?? ehrs.a })
    const scene: Scene = {
      ...{ target, hasFacade, ehrs, outsider, hold, begin },
      async login(login) {
        const begun = await begin(login)
        await begun.land()
        return begun
      },
    }
    const strangers = ehrs.evil.connections
    try {
      await row.attack(scene)
    } catch (error) {
      failed.push(`it could not go on: ${error instanceof Error ? error.message : error}`)
    }
    if (!row.isSlow) {
      const seen = ehrs.evil.connections - strangers
      if (seen > 0)
        failed.push(
          `${ALWAYS}the stranger was connected to: ${ehrs.evil.heard.at(-1) ?? 'no request'}`,
        )
      if (!(await isAlive())) failed.push(`${ALWAYS}somebody else's session is over`)
    }
    const leaked = findLeak(outsider, ehrs)
    if (leaked) failed.push(`${ALWAYS}an answer showed ${leaked}`)
    const isHeld = failed.length === 0 && held > 0
    const seen = isHeld ? [`${held} checks`] : [...new Set(failed)].slice(0, MOST_SEEN)
    tell(row, isHeld ? 'held' : 'failed', seen.length > 0 ? seen : ['nothing was checked'])
  }

  async function leaveOut(row: Row, why: string): Promise<void> {
    tell(row, 'not asked', [why])
  }

  function tell({ id, what }: Row, outcome: Finding['outcome'], seen: string[]): void {
    const finding = { row: id, what, outcome, seen }
    findings.push(finding)
    options.onFinding?.(finding)
  }

  // A target that knows the keys of an earlier run asks for the new ones after a while.
  async function logInFirst(ehr: HostileEhr): Promise<Login> {
    const outsider = create()
    for (let tries = 1; ; tries++) {
      const login = await beginLogin(outsider, target, { ehr }).catch(error => {
        throw new NotRegistered(error instanceof Error ? error.message : String(error))
      })
      const reply = await login.land()
      if (login.session) return login
      const rest = Number(headerOf(reply, 'retry-after'))
      if (reply.status !== 503 || rest > LONGEST_REST_SECONDS || tries === MOST_TRIES) {
        throw new NotRegistered(`the redirect URI of ${ehr.id} answered ${reply.status}`)
      }
      await new Promise(done => setTimeout(done, rest * 1000))
    }
  }

  async function isAlive(): Promise<boolean> {
    const { session, jar, grant } = victim as Login
    const path = `${session?.fhirPath}/Patient/${grant.patient}`
    const reply = await create().ask({ path, headers: ownPage, cookies: jar.cookies })
    return reply.status === 200 && reply.text.includes(grant.patient)
  }
}

async function findFacade(outsider: Outsider): Promise<boolean> {
  const reply = await outsider.ask({ path: '~/smart/attack-a/.well-known/smart-configuration' })
  return reply.status === 200 && headerOf(reply, 'content-type').includes('json')
}

/** The kind of a secret that an answer showed. */
function findLeak({ heard }: Outsider, { secrets, client }: HostileEhrs): string | undefined {
  for (const { raw } of heard) {
    if (raw.includes(client.secret)) return 'the client secret'
    const token = raw.match(TOKEN)?.find(text => secrets.has(text))
    if (token) return `a token (${token.slice(0, 7)}…)`
  }
  return undefined
}

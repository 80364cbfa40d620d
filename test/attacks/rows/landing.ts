// Coming back to the redirect URI with another answer than the EHR gave.

import type { Login } from '../login.ts'
import { navigation } from '../outsider.ts'
import type { Scene } from '../row.ts'
import { describe, isNoSession, isRefused } from './reading.ts'

/** Comes back with each of these answers: refused, no session, and the EHR's token endpoint hears nothing. */
export async function refuseAnswers(
  scene: Scene,
  answers: readonly Record<string, string | undefined>[],
  login?: Login,
): Promise<void> {
  const begun = login ?? (await scene.begin())
  const { ehr } = begun
  const before = ehr.count('token')
  for (const changes of answers) {
    const reply = await begun.land(changes)
    const name = JSON.stringify(changes).slice(0, 60)
    scene.hold(isRefused(reply), `${name}: ${describe(reply)}`)
    scene.hold(isNoSession(reply), `${name}: a session came of it`)
  }
  scene.hold(ehr.count('token') === before, 'the token endpoint was asked')
}

/** The raw query of the redirect URI, for what URLSearchParams would tidy up. */
export async function landRaw(scene: Scene, login: Login, query: string, ask = {}) {
  const [path = ''] = login.answerPath().split('?')
  const cookies = login.jar.cookies
  return await scene.outsider.ask({
    path: `${path}?${query}`,
    headers: navigation,
    cookies,
    ...ask,
  })
}

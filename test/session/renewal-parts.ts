// A refresher over a memory vault, with a clock that the test moves and a token call that renews.

import { BrokerError } from '../../src/errors.ts'
import type { RenewingOptions } from '../../src/session/renewal.ts'
import type { OpenSession } from '../../src/session/session.ts'
import type { RefreshOutcome } from '../../src/smart/token/refresh.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { buildStore, buildTokens, HOUR, ISS } from './sessions.ts'

interface Overrides extends Partial<RenewingOptions> {
  /** The token call, in place of one that renews. */
  refresh?: (open: OpenSession) => Promise<RefreshOutcome>
}

/** All the parts, with one session whose access token is as given. */
export async function buildRig(
  { refresh, ...overrides }: Overrides = {},
  tokens: Partial<TokenSet> = {},
) {
  const parts = buildStore()
  const { clock, store, vault } = parts
  const log: string[] = []
  const discarded: string[] = []
  let calls = 0
  const options: RenewingOptions = {
    vault,
    now: clock.now,
    steady: clock.now,
    deadlineMs: 10_000,
    owner: 'this process',
    random: () => 0.5,
    // Polling passes time; the patience of a request does not run out by itself.
    wait: async milliseconds =>
      milliseconds < 1000 ? clock.pass(milliseconds) : new Promise(() => {}),
    prepare: async open => () => (refresh ?? renew)(open),
    replace: store.replace,
    reopen: store.reopen,
    endSession: open => store.end(open.recordId, { generation: open.generation }),
    discard: (_open, { refreshToken, accessToken }) => {
      if (refreshToken !== undefined) discarded.push(refreshToken)
      discarded.push(accessToken)
    },
    report: outcome => log.push(outcome),
    ...overrides,
  }
  async function renew(open: OpenSession): Promise<RefreshOutcome> {
    calls++
    const next = buildTokens(clock.now(), {
      accessToken: `access-${calls + 1}`,
      refreshToken: `refresh-${calls + 1}`,
      context: open.session.tokens.context,
    })
    return { outcome: 'renewed', tokens: next }
  }
  const made = await store.begin(ISS, buildTokens(clock.now(), tokens), 'browser', 'general')
  const open = () => store.open(made.ticket, { slide: false }) as OpenSession | Promise<OpenSession>
  return { ...parts, options, made, open, log, discarded, calls: () => calls }
}

/** An access token that is over. */
export const nearExpiry = { accessTokenExpiresAt: 0, accessTokenLifetimeMs: HOUR }
/** Whether an error is the refusal of this code. */
export const hasCode = (code: string) => (error: unknown) =>
  error instanceof BrokerError && error.code === code

// What a process left behind that is gone: chains that nobody writes any more may hold events that were never
// delivered. Whoever has the same path takes them, one after the other, and gives them back.

import { chainPath, countChains } from '../src/audit/chain-files.ts'
import { type TakenChain, tryChain } from '../src/audit/chain-lock.ts'
import type { openDeliveredChain } from '../src/audit/delivered-chain.ts'
import type { AuditLogger } from './audit-log.ts'

/** Delivers every chain that nobody has; rejects never, and stops where it is told to. */
export async function deliverLeftBehind(
  path: string,
  {
    open,
    ending,
    logger,
  }: {
    open: (chain: TakenChain) => ReturnType<typeof openDeliveredChain>
    ending: AbortController
    logger: AuditLogger
  },
): Promise<void> {
  const { signal } = ending
  const over = new Promise<void>(done => signal.addEventListener('abort', () => done()))
  const chains = await countChains(path).catch(() => 0)
  for (let number = 0; number < chains && !signal.aborted; number++) {
    let chain: TakenChain | undefined
    try {
      chain = await tryChain(chainPath(path, number))
      if (chain === undefined) continue
      const left = await open(chain)
      await Promise.race([left.caughtUp(), over])
      await left.close()
    } catch (error) {
      logger.error({ err: error, file: chainPath(path, number) }, 'audit events are left behind')
    } finally {
      chain?.release()
    }
  }
}

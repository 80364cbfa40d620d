// A vault in a process of its own, for tests that need two. `startRemote` forks this very file; the
// process does what its messages say and answers with what came of it.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openVault, type VaultChoice } from '../../src/vault/open.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { adopt, end } from '../world/children.ts'

export interface Remote {
  /** Calls one method so many times at once, and gives what came of each. */
  call(method: keyof Vault, args: readonly unknown[], times?: number): Promise<unknown[]>
  /** Stops the process where it stands, and lets it go on. */
  pause(): void
  resume(): void
  /** kill -9. */
  kill(): Promise<void>
}

interface Order {
  method: keyof Vault
  args: readonly unknown[]
  times: number
}

/** Starts a process with the vault at this address. */
export async function startRemote(t: TestContext, address: VaultChoice): Promise<Remote> {
  const child = adopt(
    fork(fileURLToPath(import.meta.url), [JSON.stringify(address)], {
      serialization: 'advanced',
    }),
  )
  t.after(() => end(child, 'SIGKILL'))
  await once(child, 'message')
  return {
    async call(method, args, times = 1) {
      child.send({ method, args, times } satisfies Order)
      const [results] = (await once(child, 'message')) as [unknown[]]
      return results
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async kill() {
      await end(child, 'SIGKILL')
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const address = JSON.parse(process.argv[2] ?? '') as VaultChoice
  const { vault } = await openVault(address, new Map([['key', 'mark']]), Date.now)
  process.on('message', async ({ method, args, times }: Order) => {
    const call = vault[method] as (...args: readonly unknown[]) => unknown
    const calls = Array.from({ length: times }, async () => await call(...args))
    process.send?.(await Promise.all(calls))
  })
  process.send?.('ready')
}

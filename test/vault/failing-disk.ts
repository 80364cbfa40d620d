// A process with a vault whose file size limit (RLIMIT_FSIZE) the test lowers and raises: its writes
// then fail as on a failing disk. It does one step a message and answers with what came of it.

import { BrokerError } from '../../src/errors.ts'
import { openSqliteVault } from '../../src/vault/sqlite.ts'
import { buildRecord, newId } from './records.ts'

const vault = openSqliteVault({ path: process.argv[2] as string, now: Date.now })
const id = newId()
await vault.insert(id, buildRecord(Date.now()))
process.on('SIGXFSZ', () => undefined)

const steps: Record<string, () => Promise<unknown>> = {
  insert: () => vault.insert(newId(), buildRecord(Date.now())),
  replace: async () => {
    const { generation } = (await vault.head(id)) ?? { generation: 0 }
    return await vault.replace(id, generation, buildRecord(Date.now()))
  },
  read: () => vault.read(id),
  head: async () => await vault.head(id),
}

process.on('message', async step => {
  try {
    const result = await steps[String(step)]?.()
    process.send?.(result === false ? 'false' : 'done')
  } catch (error) {
    process.send?.(error instanceof BrokerError ? `${error.code} ${error.detail}` : String(error))
  }
})

// A process that inserts records and renews them until it is killed, and says which are acknowledged.
// Others like it hold the file now and then for longer than the vault's patience.

import { BrokerError } from '../../src/errors.ts'
import { openSqliteVault } from '../../src/vault/sqlite.ts'
import { buildRecord, newId } from './records.ts'

const vault = openSqliteVault({ path: process.argv[2] as string, now: Date.now })
for (;;) {
  try {
    const id = newId()
    const record = buildRecord(Date.now(), { indexes: [`entry-${id}`] })
    await vault.insert(id, record)
    if (await vault.replace(id, 1, { ...record, keyId: 'key-2' })) process.send?.(id)
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'vault_unavailable') throw error
  }
  await new Promise(done => setImmediate(done))
}

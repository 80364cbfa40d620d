// A process that inserts records and renews them until it is killed, and says which are acknowledged.

import { openSqliteVault } from '../../src/vault/sqlite.ts'
import { buildRecord, newId } from './records.ts'

const vault = openSqliteVault({ path: process.argv[2] as string, now: Date.now })
for (;;) {
  const id = newId()
  const record = buildRecord(Date.now(), { indexes: [`entry-${id}`] })
  await vault.insert(id, record)
  await vault.replace(id, 1, { ...record, keyId: 'key-2' })
  process.send?.(id)
  await new Promise(done => setImmediate(done))
}

// The contract, kept in memory.

import { createMemoryVault } from '../../src/vault/memory.ts'
import { testContract } from './contract.ts'

testContract({
  name: 'memory',
  lagMs: 0,
  async open(_t, now) {
    const vault = createMemoryVault({ now })
    return { vault, connect: async () => vault }
  },
})

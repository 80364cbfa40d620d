// Whether one request costs more when the vault holds many sessions: the same read with 1, 10,000 and
// 100,000 of them.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildKeyMarks, parseKeyRing } from '../src/keys.ts'
import { createRecordSealer } from '../src/session/sealer.ts'
import { createSessionStore } from '../src/session/store.ts'
import type { TokenSet } from '../src/smart/types.ts'
import { openVault } from '../src/vault/open.ts'
import { startFhirstorm } from './fhirstorm.ts'
import { measure } from './measure.ts'
import type { Place } from './targets.ts'

const PORT = 18_097
const COUNTS = [1, 10_000, 100_000]

/** CPU of one 2 KB read by number of sessions, in microseconds. */
export async function measureBySessions(place: Place): Promise<Record<number, number>> {
  const figures: Record<number, number> = {}
  for (const count of COUNTS) {
    const target = await startFhirstorm({
      ...place,
      folder: join(place.folder, `sessions-${count}`),
      port: PORT,
      core: 0,
      op: place.op.origin,
      beforeStart: folder => fill(folder, count - 1),
    })
    const url = `${target.rewritten}/Patient/1`
    const load = { url, headers: { cookie: target.cookie }, connections: 64, seconds: 3 }
    figures[count] = (await measure(target.pid, load)).cpuMicros
    await target.stop()
  }
  return figures
}

async function fill(folder: string, count: number): Promise<void> {
  const ring = parseKeyRing(readFileSync(join(folder, 'keys.json'), 'utf8'))
  const config = { kind: 'sqlite', path: join(folder, 'vault.db') } as const
  const { vault } = await openVault(config, buildKeyMarks(ring), Date.now)
  const store = createSessionStore({
    ...{ vault, randomBytes, now: Date.now, idleMs: 900_000, absoluteMs: 43_200_000 },
    sealer: createRecordSealer(ring),
  })
  for (let i = 0; i < count; i++) {
    await store.begin('https://ehr.example.org', buildTokens(), `browser-${i}`, 'plain')
  }
  await vault.close()
}

function buildTokens(): TokenSet {
  return {
    tokenType: 'Bearer',
    accessToken: randomBytes(768).toString('base64url'),
    accessTokenExpiresAt: Date.now() + 3_600_000,
    accessTokenLifetimeMs: 3_600_000,
    refreshToken: randomBytes(32).toString('base64url'),
    requestedScope: 'openid',
    grantedScope: 'openid',
    context: { fhirContext: [], needPatientBanner: true, extras: {} },
    warnings: [],
  }
}

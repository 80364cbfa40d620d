// Records events into a folder whose disk is small, until it is full; makes room, fills it again, and prints what
// was acknowledged, what was refused, and what is in the file.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFileSink } from '../../src/audit/file-sink.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { judge, seal } from './sealing.ts'

const [folder = ''] = process.argv.slice(2)
const path = join(folder, 'audit.ndjson')
const ballast = join(folder, 'ballast')
const recorded: number[] = []
const refused: number[] = []
writeFileSync(ballast, Buffer.alloc(32 * 1024))
const sink = await openFileSink({ path, rotateBytes: 1e9, seal, judge })

let id = 0
async function fill(): Promise<void> {
  for (let failures = 0; failures < 5; id++) {
    const event = { resourceType: 'AuditEvent', id, text: 'x'.repeat(id % 700) }
    try {
      await sink.record(JSON.stringify(event))
      recorded.push(id)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      refused.push(id)
      failures++
    }
  }
}

await fill()
rmSync(ballast)
await fill()
await sink.close()
const lines = readFileSync(path, 'utf8').trim().split('\n')
const inFile = lines.flatMap(line => JSON.parse(line).event?.id ?? [])
const verdict = await verifyChain(path, { judge })
process.stdout.write(JSON.stringify({ recorded, refused, inFile, verdict }))

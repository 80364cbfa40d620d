// Readers of what the operator writes: the configuration and the key ring.

import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { ConfigError } from '../../../program/config/faults.ts'
import { loadConfig } from '../../../program/config/load.ts'
import { parseKeyRing, printKeyRing } from '../../../src/keys.ts'
import { base } from '../../proxy/judging.ts'
import type { Reader } from '../reader.ts'
import { jsonScraps as json } from './json-scraps.ts'

const configuration = `publicUrl: https://app.example.org
keysFile: keys.json
ehrs:
  - id: general
    name: General
    iss: ${base}
    clientId: x
    clientAuth: { method: client_secret_basic, secret: a secret of the test }
    scope: launch openid patient/*.rs
`

export const operatorDocumentReaders: readonly Reader[] = [
  {
    name: 'key ring',
    scraps: [...json, '"keys":[', '"secret":"', '"version":1', '"id":"'],
    samples: [printKeyRing(makeRing()), '{"version":1,"keys":[]}'],
    read(text) {
      try {
        const ring = parseKeyRing(text)
        assert.deepEqual(parseKeyRing(printKeyRing(ring)), ring, 'printed it is another ring')
      } catch (error) {
        // For the operator, in words of ours, without a word of the keys.
        assert.ok(error instanceof Error && error.constructor === Error, String(error))
        for (const secret of text.match(/[\w-]{40,}/g) ?? [])
          assert.ok(!error.message.includes(secret))
      }
    },
  },
  {
    name: 'configuration',
    scraps: [
      '\n',
      ': ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '&a ',
      '*a',
      '!!js ',
      '|',
      '>',
      '#',
      '"',
      "'",
      '\t',
      'ehrs:',
      'publicUrl:',
      'null',
      '<<: ',
      '? ',
      '__proto__: ',
      '---\n',
      '...',
      '1e300',
      'tls:',
      'vault: { kind: redis }',
      'https://',
    ],
    samples: [configuration, `${configuration}admin: { port: 1 }\nvault: { kind: memory }\n`],
    async read(text) {
      const source = {
        file: { name: 'fhirstorm.yaml', text },
        env: {},
        readFile: async () => printKeyRing(makeRing()),
      }
      try {
        await loadConfig(source)
      } catch (error) {
        assert.ok(error instanceof ConfigError, `${(error as Error).stack?.slice(0, 300)}`)
        assert.ok(error.faults.length > 0)
        for (const { message } of error.faults) assert.ok(!message.includes('a secret of the test'))
      }
    },
  },
]

function makeRing() {
  return {
    keys: [
      {
        id: 'test',
        createdAt: 1_700_000_000_000,
        secret: Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 97 + 13) % 251)),
      },
    ],
    epoch: 0,
    clientKeys: [],
  } as never
}

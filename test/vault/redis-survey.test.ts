// What an operator is told of the Redis that was configured.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeAddress, judgeClock, judgeServer, readSize } from '../../src/vault/redis-survey.ts'

test('[V14] a server elsewhere is expected to have TLS and a password', () => {
  const noTls = 'Redis is reached without TLS: use rediss://'
  const noPassword = 'Redis is used without a password'
  for (const [url, warnings] of [
    ['redis://127.0.0.1', []],
    ['redis://127.9.9.9:1', []],
    ['redis://localhost:6379/3', []],
    ['redis://[::1]:6379', []],
    ['rediss://user:secret@redis.example.org', []],
    ['rediss://redis.example.org', [noPassword]],
    ['redis://:secret@redis.example.org', [noTls]],
    ['redis://10.0.0.1', [noTls, noPassword]],
    ['redis://127.0.0.1.example.org', [noTls, noPassword]],
    ['redis://localhost.example.org', [noTls, noPassword]],
    ['redis://user@[fd00::1]', [noTls, noPassword]],
  ] as const) {
    assert.deepEqual(judgeAddress(url), warnings, url)
  }
})

test('[V14] a server that evicts or forgets is told of, one that says nothing is not', () => {
  const evicts = 'Redis may evict sessions: set maxmemory-policy noeviction'
  const forgets = 'Redis keeps no append-only file: a restart of it ends every session'
  for (const [info, warnings] of [
    ['', []],
    ['maxmemory_policy:noeviction\r\naof_enabled:1\r\n', []],
    ['# Memory\r\nmaxmemory_policy:volatile-ttl\r\naof_enabled:1\r\n', [evicts]],
    ['maxmemory_policy:allkeys-lru\r\n# Persistence\r\naof_enabled:0\r\n', [evicts, forgets]],
  ] as const) {
    assert.deepEqual(judgeServer(info), warnings)
  }
})

test('[F10] a server whose clock is seconds from this machine’s is told of', () => {
  for (const ahead of [0, 4_000, -4_000]) assert.deepEqual(judgeClock(ahead), [])
  for (const ahead of [31_000, -31_000]) {
    assert.deepEqual(judgeClock(ahead), [
      "the clock of Redis and this machine's are 31 s apart: sessions go by that of Redis",
    ])
  }
})

test('[OB3] a server tells how much it holds, and its bound where it has one', () => {
  const info = '# Memory\r\nused_memory:1048576\r\nused_memory_rss:9\r\nmaxmemory:0\r\n'
  assert.deepEqual(readSize(info), { bytes: 1_048_576, maxBytes: undefined })
  assert.deepEqual(readSize(info.replace('maxmemory:0', 'maxmemory:4096')).maxBytes, 4_096)
})

// The connection to Redis as the vault uses it: nothing waits for a connection that is not there, every
// command has a deadline, what waits is bounded in bytes, and a connection that misses a deadline is
// replaced (attacks V11, DS13). What went wrong
// is told in fixed words, never in the library's: those may hold addresses or passwords.

import { setTimeout as wait } from 'node:timers/promises'
import { BrokerError } from '../errors.ts'
import { within } from '../patience.ts'
import type { RedisVaultChoice } from './redis-choice.ts'
import { buildRedisClient, type Command, type Listening, type RedisClient } from './redis-client.ts'

export interface RedisLink {
  /** The answer to a command on one key; `vault_unavailable` where there is none in time. */
  send(key: string, ...command: Command): Promise<unknown>
  /** The same, texts as bytes. */
  sendForBytes(key: string, ...command: Command): Promise<unknown>
  /** Resolves with the first connection, or after the deadline without it. */
  settled(): Promise<void>
  close(): Promise<void>
}

const DEADLINE_MS = 1_500
/** Commands whose answers are awaited at one time, in bytes; one more is refused. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024
const COMMAND_BYTES = 500
const RETRY_MS = 500

/**
 * Starts to connect, and never stops trying until it is closed. `onChange` is told the key of what was
 * read here and has changed; without a key, that anything may have: the connection was lost. Where there
 * is one server alone, `listening` hears what is said on a channel.
 */
export function openRedisLink(
  redis: typeof import('redis'),
  choice: RedisVaultChoice,
  onChange?: (key?: string) => void,
  listening?: Listening,
): RedisLink {
  let client = build()
  let isConnected = false
  let isClosed = false
  let trouble: unknown
  let waitingBytes = 0
  const first = connect()

  return {
    send: (key, ...command) => inTime(command, () => client.send(key, command, false)),
    sendForBytes: (key, ...command) => inTime(command, () => client.send(key, command, true)),
    settled: () => Promise.race([first, wait(DEADLINE_MS)]),
    async close() {
      isClosed = true
      await discard(client)
    },
  }

  function build(): RedisClient {
    const built = buildRedisClient(redis, choice)
    built.onError(error => {
      trouble = error
      onChange?.()
    })
    if (onChange) built.onChange(onChange)
    return built
  }

  // What the library does by itself when an open connection breaks is not repeated here.
  async function connect(): Promise<void> {
    while (!isClosed) {
      try {
        await client.connect()
        isConnected = true
        // A server that does not let us listen is asked instead.
        if (listening) void client.listen?.(listening).catch(() => undefined)
        return
      } catch (error) {
        trouble = error
        await discard(client)
        await wait(RETRY_MS)
        client = build()
      }
    }
  }

  function replace(late: RedisClient): void {
    if (late !== client) return
    isConnected = false
    onChange?.()
    client = build()
    void connect()
    void discard(late)
  }

  async function discard(old: RedisClient): Promise<void> {
    try {
      // With sentinels the library waits for whatever it was about.
      await within(DEADLINE_MS, Promise.resolve(old.destroy()))
    } catch (error) {
      trouble = error
    }
  }

  async function inTime<T>(command: Command, send: () => Promise<T>): Promise<T> {
    if (!isConnected) throw unavailable(trouble)
    const bytes = command.reduce((sum, word) => sum + word.length, COMMAND_BYTES)
    if (waitingBytes + bytes > MAX_WAITING_BYTES) throw unavailable(tooMuch)
    const { promise: late, reject } = Promise.withResolvers<never>()
    const asked = client
    const timer = setTimeout(() => {
      reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }))
      replace(asked)
    }, DEADLINE_MS)
    waitingBytes += bytes
    try {
      return await Promise.race([send(), late])
    } catch (error) {
      throw unavailable(error)
    } finally {
      waitingBytes -= bytes
      clearTimeout(timer)
    }
  }

  function unavailable(error: unknown): BrokerError {
    const detail = `Redis: ${nameTrouble(error) ?? nameTrouble(trouble) ?? 'no answer'}`
    return new BrokerError('vault_unavailable', { detail, cause: error })
  }
}

const tooMuch = Object.assign(new Error('too many commands wait'), { code: 'QUEUE_FULL' })

const REPLIES =
  /^(READONLY|OOM|MISCONF|NOAUTH|WRONGPASS|NOPERM|LOADING|MASTERDOWN|CLUSTERDOWN|BUSY)\b/

// The code of a system error, or the first word of the server's refusal where it is a known one.
function nameTrouble(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && /^[A-Z_]{3,40}$/.test(code)) return code
  return REPLIES.exec(error.message)?.[1]
}

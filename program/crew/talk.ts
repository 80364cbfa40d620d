// What the primary and a worker ask of each other over the channel between them: each question is answered once,
// or fails after a while, or when the other one is gone. Plain data; nobody else can write to the channel.

/** By name, what may be asked: what comes with the question, and what is answered. */
export type Answers<Q> = {
  [K in keyof Q]: Q[K] extends (given: infer G) => infer R ? (given: G) => R | Promise<R> : never
}

export interface Talk<Q> {
  /** Rejects where the other one cannot answer, is gone, or says nothing for so long. */
  ask<K extends keyof Q & string>(
    what: K,
    given: Q[K] extends (given: infer G) => unknown ? G : never,
    withinMs?: number,
  ): Promise<Q[K] extends (given: never) => infer R ? R : never>
  hear(message: unknown): void
  /** The other one is gone. */
  end(): void
}

export interface TalkOptions<A> {
  answers: Answers<A>
  send(message: Message): void
}

type Message =
  | { ask: number; what: string; given: unknown }
  | { answer: number; value?: unknown; hasFailed?: boolean }

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

const PATIENCE_MS = 60_000

/** `Q` is asked here, `A` is asked by the other one. */
export function createTalk<Q, A>({ answers, send }: TalkOptions<A>): Talk<Q> {
  const waiting = new Map<number, Waiting>()
  let isOver = false
  let count = 0

  return {
    async ask(what, given, withinMs = PATIENCE_MS) {
      if (isOver) throw new Error(`nobody is there to answer ${what}`)
      const number = ++count
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const late = setTimeout(reject, withinMs, new Error(`no answer to ${what}`))
      waiting.set(number, { resolve, reject })
      send({ ask: number, what, given })
      try {
        return (await promise) as never
      } finally {
        clearTimeout(late)
        waiting.delete(number)
      }
    },
    hear(message) {
      if (!isMessage(message)) return
      if ('ask' in message) return void answer(message)
      const asked = waiting.get(message.answer)
      if (message.hasFailed) asked?.reject(new Error('the other process could not answer'))
      else asked?.resolve(message.value)
    },
    end() {
      isOver = true
      for (const { reject } of waiting.values()) reject(new Error('the other process is gone'))
    },
  }

  async function answer({ ask, what, given }: Extract<Message, { ask: number }>): Promise<void> {
    try {
      const value = await answers[what as keyof A](given as never)
      if (!isOver) send({ answer: ask, value })
    } catch {
      if (!isOver) send({ answer: ask, hasFailed: true })
    }
  }
}

function isMessage(message: unknown): message is Message {
  return (
    typeof message === 'object' && message !== null && ('ask' in message || 'answer' in message)
  )
}

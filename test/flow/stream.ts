// A FHIR answer that is being read, as far as a test needs to know of it.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { Browser } from '../world/browser.ts'

export interface RunningStream {
  isOpen(): boolean
  /** Resolves when the stream has ended; rejects when it still runs after three seconds. */
  cut(): Promise<void>
}

const SLACK_MS = 3_000

/** Begins to read an answer with this browser's cookies; `port` where it is another instance's. */
export async function openStream(
  browser: Browser,
  url: string,
  port = new URL(url).port,
): Promise<RunningStream> {
  const { host, hostname, pathname } = new URL(url)
  const cookie = [...browser.cookies(url)].map(pair => pair.join('=')).join('; ')
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  let isOpen = true
  const sent = request({ hostname, port, path: pathname, headers: { host, cookie } }, answer => {
    if (answer.statusCode !== 200) begun.reject(new Error(`answered with ${answer.statusCode}`))
    answer.once('data', begun.resolve).on('error', () => {})
    answer.on('close', () => {
      begun.reject(new Error('ended before it began'))
      ended.resolve()
    })
  })
  sent.on('error', begun.reject).end()
  ended.promise.then(() => {
    isOpen = false
  })
  await begun.promise.catch(error => {
    sent.destroy()
    throw error
  })
  return {
    isOpen: () => isOpen,
    async cut() {
      const late = new Promise<'late'>(done => setTimeout(done, SLACK_MS, 'late').unref())
      const outcome = await Promise.race([ended.promise, late])
      sent.destroy()
      assert.notEqual(outcome, 'late', 'the stream still runs')
    },
  }
}

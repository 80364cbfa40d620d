// Places of errors: files, lines and our own names, and nothing that a message could bring in.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { errors } from 'undici'
import { locateFault } from '../src/fault-site.ts'
import { parseKeyRing } from '../src/keys.ts'

test('[PS2] names the file and line of an error, and those of ours that led there', async () => {
  const own = catchError(() => parseKeyRing('[]'))
  assert.match(locateFault(own)[0] ?? '', /^src\/keys\.ts:\d+ parseKeyRing$/)
  const library = await import('jose').then(({ importJWK }) =>
    importJWK({} as never).catch((error: unknown) => error),
  )
  assert.match(locateFault(library)[0] ?? '', /^node_modules\/jose\/.+:\d+$/)
  const { promise, resolve } = Promise.withResolvers<Error>()
  connect(1, '127.0.0.1').once('error', resolve)
  assert.match(locateFault(await promise)[0] ?? '', /^node:net:\d+$/)
})

test('[G3, PS2] nothing of a message is a place, though it looks like one', () => {
  const frame = `    at canary (file://${import.meta.dirname}/canary.ts:1:1)`
  const messages = [frame, `x\n${frame}\n${frame}`, `x\n    at node:canary:1:1`, 'canary', '']
  for (const message of messages) {
    for (const kind of [Error, TypeError, errors.SocketError]) {
      const places = locateFault(new kind(message))
      assert.ok(!places.join().includes('canary'), places.join())
      assert.match(places[0] ?? '', /^test\/fault-site\.test\.ts:\d+/)
    }
  }
  // One whose message was changed afterwards cannot be told from its frames.
  const changed = new Error(`x\n${frame}`)
  assert.ok(changed.stack?.includes('canary'))
  changed.message = 'other'
  assert.deepEqual(locateFault(changed), [])
})

test('[PS2] what is no error has no place', () => {
  const hostile = new Proxy(new Error('x'), {
    get() {
      throw new Error('no')
    },
  })
  for (const error of [undefined, null, 1, 'text', {}, { stack: 5, message: 5 }, hostile]) {
    assert.deepEqual(locateFault(error), [])
  }
  const deep = new Error('x')
  deep.stack = `Error: x\n${'    at f (file:///elsewhere/x.js:1:1)\n'.repeat(100_000)}`
  assert.deepEqual(locateFault(deep), [])
})

function catchError(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

// Where in the program an error was made, fit for a log: the files and lines on its stack, and the names
// of our own functions. Nothing of its message, which may hold what a caller sent. Pure.

import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FRAME =
  /^ {4}at (?:async )?(?:new )?(?:([\w$.<>#]{1,80})(?: \[as [^\]]*\])? \()?(?:file:\/\/)?([^\s()]{1,500}:\d{1,7}):\d{1,7}\)?$/
const OWN = /^(?:src|plugins|program)\//
const MAX_PLACES = 6
const MAX_STACK = 8_000

/**
 * The places of an error, innermost first: the file it was made in, then those of ours that led there;
 * empty for what is no error. For example `src/network/connect.ts:98 guardedLookup`.
 */
export function locateFault(error: unknown): string[] {
  const places: string[] = []
  for (const line of framesOf(error)) {
    const [, name = '', path = ''] = FRAME.exec(line) ?? []
    const place = describe(name, path)
    if (place === undefined) continue
    const isOwn = OWN.test(place)
    if (places.length === 0 || isOwn) places.push(place)
    if (places.length === MAX_PLACES) break
  }
  return places
}

// The stack begins with the name and the message, whose lines may look like frames.
function framesOf(error: unknown): string[] {
  try {
    const { stack = '', message } = error as Error
    const head = message === '' ? 0 : stack.indexOf(': ') + 2
    if (!stack.startsWith(message, head)) return []
    const end = head + message.length
    return stack
      .slice(end, end + MAX_STACK)
      .split('\n')
      .slice(1)
  } catch {
    return []
  }
}

function describe(name: string, path: string): string | undefined {
  if (path.startsWith('node:')) return path
  const library = path.lastIndexOf('/node_modules/')
  if (library >= 0) return path.slice(library + 1)
  if (!path.startsWith(ROOT)) return undefined
  const own = path.slice(ROOT.length)
  return name === '' ? own : `${own} ${name}`
}

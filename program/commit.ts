// Which commit this was built from: noted beside the compiled program, or told by the checkout.

import { readFileSync } from 'node:fs'

const COMMIT = /^[0-9a-f]{40}$/

/** The commit that was noted beside the program, or that of the checkout; undefined where neither says. */
export function readCommit(noted: URL, repository: URL): string | undefined {
  return parseCommit(read(noted) ?? readHead(repository))
}

/** The commit that a text is; undefined for what is none. */
export function parseCommit(text: string | undefined): string | undefined {
  return text !== undefined && COMMIT.test(text) ? text : undefined
}

/** What HEAD says, as Git keeps it: it names a branch, whose file or packed line has the commit; or a commit. */
export function readHead(repository: URL): string | undefined {
  const head = read(new URL('HEAD', repository))
  const [, branch] = /^ref: (refs\/[\w./-]+)$/.exec(head ?? '') ?? []
  if (branch === undefined) return head
  const packed = read(new URL('packed-refs', repository)) ?? ''
  const line = packed.split('\n').find(one => one.endsWith(` ${branch}`))
  return read(new URL(branch, repository)) ?? line?.split(' ', 1)[0]
}

function read(place: URL): string | undefined {
  try {
    return readFileSync(place, 'utf8').trim()
  } catch {
    return undefined
  }
}

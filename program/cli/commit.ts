// Which commit this was built from. Run by itself it notes that beside the compiled program
// (`npm run build`): what COMMIT says, as for an image, else what the checkout says.

import { readFileSync, writeFileSync } from 'node:fs'

const COMMIT = /^[0-9a-f]{40}$/

/** The commit that was noted beside the program, or that of the checkout; undefined where neither says. */
export function readCommit(noted: URL, repository: URL): string | undefined {
  const found = read(noted) ?? readHead(repository)
  return found !== undefined && COMMIT.test(found) ? found : undefined
}

/** As Git keeps it: HEAD names a branch, whose file or packed line has the commit; or a commit. */
function readHead(repository: URL): string | undefined {
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

if (import.meta.main) {
  const root = new URL('../../', import.meta.url)
  const told = process.env.COMMIT || readHead(new URL('.git/', root))
  if (told !== undefined && COMMIT.test(told)) {
    writeFileSync(new URL('dist/commit', root), `${told}\n`)
  }
}

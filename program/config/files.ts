// Files that the configuration names: secrets, keys, certificates. A file that cannot be read is a
// fault at the place that names it; what is in it never becomes part of a message.

import type { Environment } from './environment.ts'
import type { FileKind } from './file-mode.ts'

/** A file that is there and must not be used as it is; the message says why. */
export class FileRefusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'FileRefusal'
  }
}

/** Reads a file; throws FileRefusal for one that is not kept as its kind must be. */
export type ReadFile = (path: string, kind: FileKind) => Promise<string>

/** What the parts of the loader share: where faults go, where files and the environment come from. */
export interface DocumentContext {
  report: (path: readonly PropertyKey[], message: string) => void
  readFile: ReadFile
  env: Environment
}

/** The text of a file, or undefined when none is named or after a reported fault. */
export async function readText(
  path: string | undefined,
  place: readonly PropertyKey[],
  kind: FileKind,
  { readFile, report }: DocumentContext,
): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path, kind)
  } catch (error) {
    if (error instanceof FileRefusal) {
      report(place, `${path}: ${error.message}`)
      return undefined
    }
    const { code } = error as { code?: unknown }
    const reason = typeof code === 'string' ? code : 'unknown reason'
    report(place, `the file ${path} cannot be read (${reason})`)
    return undefined
  }
}

/** Reports every file that the document names (under `…File`) and that cannot be read. */
export async function checkNamedFiles(
  document: unknown,
  context: DocumentContext,
  place: readonly PropertyKey[] = [],
): Promise<void> {
  if (typeof document !== 'object' || document === null) return
  for (const [key, value] of Object.entries(document)) {
    const here = [...place, Array.isArray(document) ? Number(key) : key]
    if (/File$/.test(key) && typeof value === 'string') {
      await readText(
        value,
        here,
        /^(?:ca|cert|publicKey)File$/.test(key) ? 'public' : 'secret',
        context,
      )
    } else await checkNamedFiles(value, context, here)
  }
}

// Files that the configuration names: secrets, keys, certificates. A file that cannot be read is a
// fault at the place that names it; what is in it never becomes part of a message.

import type { Environment } from './environment.ts'

/** What the parts of the loader share: where faults go, where files and the environment come from. */
export interface DocumentContext {
  report: (path: readonly PropertyKey[], message: string) => void
  readFile: (path: string) => Promise<string>
  env: Environment
}

/** The text of a file, or undefined when none is named or after a reported fault. */
export async function readText(
  path: string | undefined,
  place: readonly PropertyKey[],
  { readFile, report }: DocumentContext,
): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path)
  } catch (error) {
    const { code } = error as { code?: unknown }
    report(place, `the file cannot be read (${typeof code === 'string' ? code : 'unknown reason'})`)
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
    if (/File$/.test(key) && typeof value === 'string') await readText(value, here, context)
    else await checkNamedFiles(value, context, here)
  }
}

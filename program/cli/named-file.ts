// Reading a file that the configuration names, if it is kept as its kind must be.

import { type FileKind, findModeFault } from '../config/file-mode.ts'
import { FileRefusal } from '../config/files.ts'
import { openPatiently, readPatiently } from './patient-reading.ts'

/** The text of the file; throws FileRefusal when others than its owner can get at it. */
export async function readNamedFile(path: string, kind: FileKind): Promise<string> {
  const file = await openPatiently(path)
  try {
    // Of the file that is open, whatever the path leads to by now.
    const { mode } = await file.stat()
    const fault = findModeFault(kind, mode)
    if (fault !== undefined) throw new FileRefusal(fault)
    return await readPatiently(file)
  } finally {
    await file.close()
  }
}

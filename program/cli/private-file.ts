// Reading a file that holds server keys. It must be for its owner, and at most be read by its group,
// as Kubernetes gives secrets to a user that is not root; anything wider is refused.

import { open } from 'node:fs/promises'
import { FileRefusal } from '../config/files.ts'

/** Write by the group, and whatever others may do. */
const TOO_WIDE = 0o027

/** The text of the file; throws FileRefusal when others than its owner can get at it. */
export async function readPrivateFile(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { mode } = await file.stat()
    if ((mode & TOO_WIDE) !== 0) throw new FileRefusal('others can read or change it: chmod 600')
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

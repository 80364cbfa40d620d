// Programs that write audit events, and are killed in the middle of it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { adopt } from '../world/children.ts'

/** Runs a script until it has printed more than so many lines, kills it with -9, and gives the whole lines. */
export async function killAfter(
  lines: number,
  script: string,
  ...words: string[]
): Promise<string[]> {
  const child = adopt(
    spawn(process.execPath, ['--input-type=module', '-e', script, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  let text = ''
  child.ref()
  child.stdout.on('data', part => {
    text += part
    if (text.split('\n').length > lines) child.kill('SIGKILL')
  })
  await once(child, 'close')
  return text.split('\n').slice(0, -1)
}

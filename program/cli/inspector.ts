// A debugger reads every token that passes, and SIGUSR1 would open one to every process of this user,
// however Node was started. The signal does nothing here, and what it opened before this was read is
// closed again (attacks G10).

import { close, url } from 'node:inspector'
import { asksForInspector } from './node-options.ts'

/** Takes SIGUSR1 from Node; to be called before anything else. */
export function disarmInspector(): void {
  process.on('SIGUSR1', () => {})
  closeInspector()
}

/** Closes a debugger that nobody asked for; returns whether one that was asked for is open. */
export function closeInspector(): boolean {
  if (url() === undefined) return false
  if (asksForInspector(process.execArgv, process.env)) return true
  close()
  return false
}

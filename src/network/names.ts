// Asking for the addresses of a name, once at a time: the system resolves in two threads for the whole
// process, so an EHR whose name servers do not answer would hold up everybody's connections with as many
// questions as it has requests. Nothing is kept: who asks after an answer has come asks anew.

import { type LookupAddress, lookup } from 'node:dns'

/** All addresses of a name, as `dns.lookup` with `all: true` gives them; none at all with an error. */
export type ResolveName = (
  hostname: string,
  done: (error: Error | null, addresses?: LookupAddress[]) => void,
) => void

/** The same resolver, where those who ask for a name that is being asked for wait for that answer. */
export function shareQuestions(resolve: ResolveName): ResolveName {
  const waiting = new Map<string, Parameters<ResolveName>[1][]>()
  return (hostname, done) => {
    const others = waiting.get(hostname)
    if (others) {
      others.push(done)
      return
    }
    const all = [done]
    waiting.set(hostname, all)
    try {
      resolve(hostname, (...answer) => {
        waiting.delete(hostname)
        // Each in a turn of its own: what one makes of the answer is nothing to the others.
        for (const each of all) queueMicrotask(() => each(...answer))
      })
    } catch (error) {
      waiting.delete(hostname)
      throw error
    }
  }
}

/** This machine's resolver. */
export const resolveBySystem = shareQuestions((hostname, done) =>
  lookup(hostname, { all: true }, done),
)

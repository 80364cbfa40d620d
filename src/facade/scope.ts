// The scope of an existing app: what it asked to be told of, and what its token answer says that it has
// (RFC 6749 5.1, SMART App Launch 2.2). Pure: no I/O.

const CONTEXT = /^launch(?:\/[A-Za-z]{1,32})?$/
/** Tokens that are the EHR's and ours: an app gets none. */
const RENEWAL = new Set(['offline_access', 'online_access'])
const MAX_CONTEXTS = 16

/** The launch contexts in the scope that an app asks for; undefined where it asks for no scope. */
export function readContexts(scope: string | undefined): string[] | undefined {
  if (scope === undefined) return undefined
  const contexts = scope.split(' ').filter(word => CONTEXT.test(word))
  return [...new Set(contexts)].slice(0, MAX_CONTEXTS)
}

/**
 * What the app is told of what the EHR has granted. Apps read from it how they were launched, so that it
 * names no context that they did not ask for; nor that they can renew, as they get nothing to renew with.
 */
export function tellScope(granted: string, contexts?: readonly string[]): string {
  const words = granted.split(' ').filter(word => !RENEWAL.has(word))
  const isTold = (word: string) => contexts === undefined || contexts.includes(word)
  return words.filter(word => !CONTEXT.test(word) || isTold(word)).join(' ')
}

// What fhirstorm offers to its frontend, beside FHIR: EHRs to log in at, this browser's sessions and
// their ends. No token is ever among it; the cookie goes along by itself.

import { fetchOrFault } from './fault.js'

const base = new URL('.', document.baseURI)

/** The EHRs one can log in at: `[{ id, name }]`. */
export function listEhrs() {
  return call('ehrs')
}

/** This browser's live sessions; reading them keeps none alive. */
export function listSessions() {
  return call('sessions')
}

/**
 * One session's document, with the server's time of the answer as `readAt` in milliseconds, because
 * the clock of this computer may be wrong. Keeps the session alive only when `slide` is true.
 */
export async function readSession(id, { slide = false } = {}) {
  const response = await request(`sessions/${encodeURIComponent(id)}?slide=${slide}`)
  const readAt = Date.parse(response.headers.get('date') ?? '') || Date.now()
  return { ...(await response.json()), readAt }
}

/** Ends one session; the addresses where the EHR's own login can be ended, none or one. */
export async function endSession(id) {
  const { endSessionUrl } = await call(`sessions/${encodeURIComponent(id)}`, 'DELETE')
  return endSessionUrl === null ? [] : [endSessionUrl]
}

/** Ends all sessions of this browser; the addresses where the EHRs' own logins can be ended. */
export async function endAllSessions() {
  const { endSessionUrls } = await call('logout', 'POST')
  return endSessionUrls
}

/** Where a login begins: a navigation, not a fetch. It comes back to this page. */
export function buildLoginUrl(ehr) {
  const query = new URLSearchParams({ ...(ehr && { ehr }), return_to: base.pathname })
  return new URL(`login?${query}`, base).href
}

/** The page of one session. */
export function buildSessionUrl(id) {
  return new URL(`?${new URLSearchParams({ session: id })}`, base).href
}

async function call(path, method) {
  const response = await request(path, method)
  return await response.json()
}

function request(path, method = 'GET') {
  const headers = method === 'GET' ? {} : { 'x-csrf': '1' }
  return fetchOrFault(new URL(path, base), { method, headers })
}

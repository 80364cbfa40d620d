// The client of fhirstorm that the whole page uses: one, so that what one part hears all parts know.

import { createClient } from '../client/index.ts'

export const fhirstorm = createClient({ baseUrl: './' })

/** Where a login begins: a navigation, not a fetch. It comes back to this page. */
export function buildLoginUrl(ehr) {
  return fhirstorm.loginUrl({ ehr, returnTo: location.pathname })
}

/** The page of one session. */
export function buildSessionUrl(id) {
  return `?${new URLSearchParams({ session: id })}`
}

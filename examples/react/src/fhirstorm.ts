// The session of this tab, as React takes it: its name is in the address, everything else is asked for.
import { createClient, readLanding, type SessionDocument } from 'fhirstorm/browser'
import { useSyncExternalStore } from 'react'

export const fhirstorm = createClient({ baseUrl: '/bff' })

const { session: id, error } = readLanding(location.href)

/** The code of a refusal that the EHR sent the browser back with. */
export const refusal = error

/** This tab's session: undefined until it is known, null where there is none (any more). */
export function useSession(): SessionDocument | null | undefined {
  const { subscribe, getSnapshot } = fhirstorm.store
  const { state, sessions } = useSyncExternalStore(subscribe, getSnapshot)
  if (id === undefined) return null
  if (state === 'unknown') return undefined
  return sessions.find(session => session.id === id) ?? null
}

/** How long it lasts, told each second while somebody looks. */
export function useCountdown(session: SessionDocument) {
  const { subscribe, getSnapshot } = fhirstorm.countdown(session.id)
  return useSyncExternalStore(subscribe, getSnapshot)
}

// What a request turns out to be about, noted on it as soon as that is known, so that its line in the log
// says so whatever becomes of it. Pure: no I/O, no clock.

/** Whom a request is about: never more than the log may hold is read of it. */
export interface About {
  /** Registration id. */
  readonly ehr?: string
  /** Where the session lies: a hash of its id. */
  readonly recordId?: string
  /** In fixed words: what became of it, where the status does not say. */
  readonly detail?: string
}

/** As the log tells it. */
export interface ToldAbout {
  ehr?: string
  session?: string
  detail?: string
}

const PSEUDONYM_LENGTH = 12

/** The session's pseudonym: the beginning of its record's id, a hash; none where there is no record. */
export function pseudonymOf(recordId: string | undefined): string | undefined {
  return recordId?.slice(0, PSEUDONYM_LENGTH) || undefined
}

/** Notes on a request whom it is about. */
export function noteAbout(request: { smartAbout?: About }, about: About): void {
  request.smartAbout = about
}

/** What was noted on a request, as the log tells it. */
export function aboutOf({ smartAbout }: { smartAbout?: About }): ToldAbout {
  const { ehr, recordId, detail } = smartAbout ?? {}
  return { ehr, session: pseudonymOf(recordId), detail }
}

// What the processes of the attack are told: where the broker is, and the sessions that they hold.

export interface Session {
  cookie: string
  /** Path of its FHIR base. */
  path: string
}

export interface Aim {
  port: number
  /** The Host header. */
  host: string
  /** Sessions of the attackers, and the one of somebody else. */
  target: Session
  hostile: Session
  large: readonly Session[]
  victim: Session
  /** When it begins, in milliseconds since the epoch: by then everybody is ready. */
  startsAt: number
  /** How long it lasts. */
  seconds: number
  /** Names of the inputs; all where there are none. */
  only: readonly string[]
}

/** The addresses that attackers and victims come from, so that limits by address can tell them apart. */
export const addresses = { attacker: '127.0.0.2', victim: '127.0.0.3' }

/** Resolves when the attack begins. */
export async function begin({ startsAt }: Aim): Promise<void> {
  await new Promise(done => setTimeout(done, Math.max(0, startsAt - Date.now())))
}

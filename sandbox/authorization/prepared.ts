// `GET /auto?patient=ID`: prepares this browser's next login, which then needs no page. Kept in a
// cookie that the login takes away again, so that no later login silently gets the same patient.

import type { IncomingMessage } from 'node:http'
import { choiceParameters } from './choice.ts'

const NAME = 'sandbox-auto'

/** The cookie that prepares the next login as this query says, without pages unless it says so. */
export function buildPreparation(query: URLSearchParams): string {
  const chosen = new URLSearchParams({ auto: '1' })
  for (const name of choiceParameters) {
    const value = query.get(name)
    if (value !== null) chosen.set(name, value)
  }
  const value = encodeURIComponent(String(chosen))
  return `${NAME}=${value}; Path=/; HttpOnly; Max-Age=3600`
}

/** What was prepared; empty when nothing was. */
export function readPreparation({ headers }: IncomingMessage): URLSearchParams {
  const pair = headers.cookie?.split('; ').find(item => item.startsWith(`${NAME}=`))
  try {
    return new URLSearchParams(decodeURIComponent(pair?.slice(NAME.length + 1) ?? ''))
  } catch {
    return new URLSearchParams()
  }
}

/** Takes the cookie away. */
export const endPreparation = `${NAME}=; Path=/; Max-Age=0`

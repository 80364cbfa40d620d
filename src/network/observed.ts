// Calls of the protocol that somebody hears of: each begins, and ends with a status or a code.

import { codeOf } from '../errors.ts'
import type { CallEnd } from '../observer.ts'
import type { ProtocolFetch } from '../smart/types.ts'

/** The same fetch; `begin` is told of each call, and what it gives of its end. */
export function observeFetch(
  fetch: ProtocolFetch,
  begin: (method: string) => (end: CallEnd) => void,
): ProtocolFetch {
  return async (url, request) => {
    const end = begin(request?.method ?? 'GET')
    try {
      const answer = await fetch(url, request)
      end({ status: answer.status })
      return answer
    } catch (error) {
      end({ error: codeOf(error) })
      throw error
    }
  }
}

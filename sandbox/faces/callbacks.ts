// Faults of the way back: the address that the authorization server sends the browser to.

import type { Face } from './face.ts'

/** A face whose callback carries other parameters; undefined takes one out. */
function callback(
  name: string,
  about: string,
  parameters: Record<string, string | undefined>,
): Face {
  return {
    name,
    about,
    callback({ searchParams }) {
      for (const [key, value] of Object.entries(parameters)) {
        if (value === undefined) searchParams.delete(key)
        else searchParams.set(key, value)
      }
    },
  }
}

export const callbackFaces: readonly Face[] = [
  callback('callback-no-iss', 'No RFC 9207 iss comes back, although it was announced.', {
    iss: undefined,
  }),
  callback('callback-wrong-iss', 'The iss that comes back is another server.', {
    iss: 'https://honest.example',
  }),
  callback('callback-no-state', 'No state comes back.', { state: undefined }),
  callback('callback-other-state', 'Another state comes back.', { state: 'x'.repeat(43) }),
  callback('callback-no-code', 'Neither a code nor an error comes back.', { code: undefined }),
  callback('callback-other-code', 'The code that comes back is not the one that was made.', {
    code: 'x'.repeat(43),
  }),
  callback('callback-unavailable', 'The authorization server is busy.', {
    code: undefined,
    error: 'temporarily_unavailable',
  }),
  callback('callback-denied-no-state', 'The user said no, and no state comes back.', {
    code: undefined,
    state: undefined,
    iss: undefined,
    error: 'access_denied',
  }),
  callback('callback-hostile-error', 'An error with markup in its description.', {
    code: undefined,
    error: 'server_error',
    error_description: '<script>alert(1)</script>',
    error_uri: 'javascript:alert(1)',
  }),
  {
    name: 'callback-twice',
    about: 'The code comes back twice in one address.',
    callback({ searchParams }) {
      searchParams.append('code', searchParams.get('code') ?? '')
    },
  },
]

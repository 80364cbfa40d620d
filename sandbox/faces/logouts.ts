// How the EHR tells of a logout: the header of its logout tokens, and where its own logout is found.

import { json } from '../http/answer.ts'
import type { Face } from './face.ts'

/** A face whose logout tokens have this `typ`. */
function typed(name: string, about: string, typ: string | undefined): Face {
  return { name, about, logoutToken: (claims, sign) => sign(claims, { typ }) }
}

export const logoutFaces: readonly Face[] = [
  typed('logout-typ-jwt', 'Logout tokens have the typ JWT.', 'JWT'),
  typed('logout-typ-none', 'Logout tokens have no typ.', undefined),
  typed('logout-typ-capitals', 'Logout tokens have their typ in capitals.', 'LOGOUT+JWT'),
  typed('logout-typ-full', 'Logout tokens have the whole media type.', 'application/logout+jwt'),
  typed('logout-typ-access', 'Logout tokens call themselves access tokens.', 'at+jwt'),
  {
    name: 'logout-nonce',
    about: 'Logout tokens have a nonce, which id_tokens alone may have.',
    logoutToken: (claims, sign) => sign({ ...claims, nonce: 'a-nonce' }, { typ: 'logout+jwt' }),
  },
  {
    name: 'logout-no-exp',
    about: 'Logout tokens have no end.',
    logoutToken: ({ exp: _, ...claims }, sign) => sign(claims, { typ: 'logout+jwt' }),
  },
  {
    name: 'end-session-openid',
    about: 'end_session_endpoint in the OpenID configuration alone.',
    smartConfiguration: document => json({ ...document, end_session_endpoint: undefined }),
  },
  {
    name: 'end-session-nowhere',
    about: 'No end_session_endpoint anywhere.',
    smartConfiguration: document => json({ ...document, end_session_endpoint: undefined }),
    openidConfiguration: document => json({ ...document, end_session_endpoint: undefined }),
  },
]

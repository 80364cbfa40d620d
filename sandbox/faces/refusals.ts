// Authorization requests that the server sends back with an error, before anybody signs in.

import type { Face } from './face.ts'

/** A face that refuses every authorization request. */
function refusing(error: string, about: string, name = error.replaceAll('_', '-')): Face {
  return { name: `authorize-${name}`, about, refusesAuthorization: error }
}

export const refusalFaces: readonly Face[] = [
  refusing('invalid_scope', 'Refuses at the authorization endpoint what is asked for.'),
  refusing('unauthorized_client', 'Refuses the client at the authorization endpoint.'),
  refusing('access_denied', 'Refuses access at the authorization endpoint, without a page.'),
  refusing('login_required', 'Demands a login that it offers no page for.'),
  refusing('unsupported_response_type', 'Knows no authorization codes.'),
  refusing('server_error', 'Breaks at the authorization endpoint, and says so to the app.'),
  refusing(
    'urn:ehr.example:no-licence',
    "Refuses at the authorization endpoint under a vendor's own name.",
    'vendor-error',
  ),
]

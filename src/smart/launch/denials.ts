// How an EHR refuses an authorization, and what a user is told of it: the error codes of RFC 6749 4.1.2.1
// and OpenID Connect Core 3.1.2.6, in our own words. Pure.

import type { AuthorizationErrorCode } from '../types.ts'

const words: Readonly<Record<AuthorizationErrorCode, string>> = {
  access_denied: 'Access was denied at the EHR: you said no there, or you may not use this app.',
  invalid_request: 'The EHR did not understand the request of this app. Its operator can help.',
  invalid_scope: 'The EHR does not give this app what it asks for. Its operator can help.',
  unauthorized_client: 'The EHR does not let this app log in this way. Its operator can help.',
  unsupported_response_type:
    'The EHR does not let this app log in this way. Its operator can help.',
  server_error: 'Something went wrong at the EHR. Please try again.',
  temporarily_unavailable: 'The EHR cannot take this request now. Please try again.',
  login_required: 'The EHR asks you to log in first.',
  interaction_required: 'The EHR asks something of you first. Please start again.',
  consent_required: 'The EHR asks for your consent first. Please start again.',
  account_selection_required: 'The EHR asks you to choose an account first. Please start again.',
  other: 'The EHR refused the authorization.',
}

/** All codes that a frontend can be told in `error=`. */
export const authorizationErrors = Object.keys(words) as AuthorizationErrorCode[]

/** What a user is told of a refusal. */
export function describeDenial(error: AuthorizationErrorCode): string {
  return words[error]
}

// Addresses and names from outside as a log may hold them: the characters that addresses are made of, and
// not many of them. Pure: no I/O, no clock (attacks G1, G3).

const MAX_LENGTH = 120

/** An address without its query, user and fragment; what is no plain character becomes a question mark. */
export function cleanAddress(text: string): string {
  const [place = ''] = text.split(/[?#]/, 1)
  const withoutUser = place.replace(/^((?:[a-z]{1,10}:)?[/\\]*)[^/\\]*@/i, '$1')
  const clean = withoutUser.replace(/[^A-Za-z0-9._~:/[\]-]/g, '?')
  return clean.length > MAX_LENGTH ? `${clean.slice(0, MAX_LENGTH)}...` : clean
}

/**
 * As `cleanAddress`, of what should be the address of an issuer; where it is none, fixed words: another parameter
 * may have come in its place, such as a launch or a token.
 */
export function cleanIssuer(text: string): string {
  return /^https?:\/\/[^/]/i.test(text) ? cleanAddress(text) : 'what is no address'
}

/** An id of a registration; fixed words of what cannot be one. */
export function cleanId(text: string): string {
  return /^[a-z0-9][a-z0-9-]{0,31}$/.test(text) ? text : 'what is no id'
}

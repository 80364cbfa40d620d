// Addresses as headers carry them: RFC 3986 characters alone, everything else as its escape, so that no
// bracket, quote, comma outside or space can end the value early. Pure: no I/O, no clock.

// Reserved, unreserved and the percent sign.
const OTHERS = /[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+/g

/** The same address in the characters that any reader of a header takes for one address. */
export function toUri(address: string): string {
  return address.replace(OTHERS, text => encodeURIComponent(text.toWellFormed()))
}

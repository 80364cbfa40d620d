// The words for how one came to the entrance: by oneself, after signing out, after a session that ended
// by itself, after a login that came to nothing. Nothing of a record is in them.

import { buildFaultNote } from './card.js'
import { element } from './element.js'

const gone = 'Nothing of the record is left on this page.'

export const greetings = {
  welcome: {
    heading: 'A patient’s record, and no token in the browser',
    lead: 'A SMART on FHIR app whose sign-in, tokens and FHIR calls go through fhirstorm.',
    explains: true,
  },
  choose: {
    heading: 'Whose record?',
    lead: 'Each sign-in is a session of its own: one patient, one cookie, one FHIR address.',
  },
  signedOut: { heading: 'You are signed out', lead: gone },
  over: { heading: 'This session is over', lead: `Sign in again to go on. ${gone}` },
  overInFrame: {
    heading: 'There is no session here',
    lead: 'It is over, or this browser keeps no cookies for this part of another page.',
    tab: { text: 'Open the app in a tab of its own', href: './' },
  },
}

const reasons = {
  logout: { heading: 'You are signed out', lead: `It was done in another tab. ${gone}` },
  expired: { heading: 'This session is over', lead: `Its time ran out. ${gone}` },
  ehr: { heading: 'This session is over', lead: `The EHR has ended it. ${gone}` },
  operator: { heading: 'This session is over', lead: `It was ended by an administrator. ${gone}` },
  other_user: {
    heading: 'This session is over',
    lead: `Somebody else has signed in here. ${gone}`,
  },
  too_many: {
    heading: 'This session is over',
    lead: `Too many records were open in this browser. ${gone}`,
  },
  token_ended: {
    heading: 'This session is over',
    lead: `The EHR gives no further access. Sign in again to go on. ${gone}`,
  },
}

/** How a session ended, by the reason that fhirstorm gives. */
export function describeEnding(reason) {
  return reasons[reason] ?? greetings.over
}

/** How a login came back without a session; unknown codes get general words. */
export function describeRefusal(code) {
  return {
    heading: 'You are not signed in',
    lead:
      code === 'access_denied'
        ? 'Access was denied at the EHR.'
        : 'The EHR did not complete the sign-in.',
  }
}

/**
 * What is still open after signing out: `{ text, href? }`, of the EHRs that were signed in at. At one EHR a
 * browser has one login, however many sessions came of it; which address is which EHR's, nobody says.
 */
export function describeStillOpen(ehrs, endSessionUrls) {
  const names = ehrs.map(({ name }) => name).join(' and ')
  if (endSessionUrls.length === 0) {
    return [{ text: `Your login at ${names}, which cannot be ended from here` }]
  }
  if (ehrs.length === 1) return [{ text: `Your login at ${names}`, href: endSessionUrls.at(-1) }]
  const rest = endSessionUrls.length < ehrs.length
  return [
    ...endSessionUrls.map((href, i) => ({
      text: `Your logins at ${names}, ${i + 1} of ${endSessionUrls.length}`,
      href,
    })),
    ...(rest ? [{ text: `Other logins at ${names}` }] : []),
  ]
}

/** That signing out has failed, and what that means. */
export function describeFailure(fault, retry) {
  return element(
    'div',
    { class: 'lone' },
    element('h1', {}, 'You are still signed in'),
    element(
      'p',
      { class: 'lead' },
      'Signing out did not work. The record has left this page, but the session is open until it ends by itself.',
    ),
    buildFaultNote(fault, retry),
  )
}

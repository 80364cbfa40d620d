// The English of fhirstorm's own pages; its refusals stand in src/errors.ts. Pure.

/** What the parts of a page say. */
export interface Words {
  didNotWork: string
  startAgain: string
  openAgain: string
  noCookiesInFrame: string
  openInTab: string
  request: string
  whichEhr: string
  continueToEhr: string
  running: string
  noFrontend: string
  logIn: string
  thenCall: string
}

/** All of it. */
export const english: Words = {
  didNotWork: 'This did not work',
  startAgain: 'Start again',
  openAgain: 'Please open the app again from the EHR.',
  noCookiesInFrame:
    'In this part of another page it may keep none. In a tab of its own the app works as it should.',
  openInTab: 'Open in a tab of its own',
  request: 'Request',
  whichEhr: 'Where do you want to log in?',
  continueToEhr: 'Continue to the EHR',
  running: 'fhirstorm is running',
  noFrontend: 'No frontend is configured here.',
  logIn: 'Log in',
  thenCall: 'and call FHIR under the address that this names:',
}

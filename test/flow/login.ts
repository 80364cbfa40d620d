// Logins as a user does them, with the sandbox's pages left out.

import assert from 'node:assert/strict'
import type { Answer, Browser } from '../world/browser.ts'

/** Where the product and its EHR are. */
export interface Places {
  app: string
  sandbox: { url: string }
}

export interface LoggedIn {
  id: string
  fhirBaseUrl: string
  document: Record<string, unknown>
  landing: Answer
}

/** Standalone login for one patient; `query` goes to /login. */
export async function logIn(
  { app }: Places,
  browser: Browser,
  patient: string,
  query = 'ehr=general',
): Promise<LoggedIn> {
  const begun = await browser.navigate(`${app}/login?${query}`, () => true)
  const asked = begun.status === 200 ? readForm(begun.text) : begun.headers.get('location')
  assert.ok(asked, `${begun.status} ${begun.text}`)
  const authorize = `${asked}&patient=${patient}&auto=1`
  return await land(app, browser, await browser.navigate(authorize))
}

/** The address of a request that was too long for one, and so came as a form that submits itself. */
function readForm(page: string): string | undefined {
  const action = /action="([^"]+)"/.exec(page)?.[1]
  const fields = page.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)
  const query = new URLSearchParams()
  for (const [, name = '', value = ''] of fields) query.append(name, value)
  return action && `${action}?${query}`
}

/** EHR launch for one patient from the sandbox's page. */
export async function launchFromEhr(
  { app, sandbox }: Places,
  browser: Browser,
  patient: string,
  query = '',
): Promise<LoggedIn> {
  const url = `${sandbox.url}/launch-app?patient=${patient}&auto=1${query}`
  return await land(app, browser, await browser.navigate(url))
}

/** A login up to the EHR's answer: the address of the callback. */
export async function beginLogin(
  { app }: Pick<Places, 'app'>,
  browser: Browser,
  query = 'ehr=general',
  patient = 'amy-shaw',
): Promise<string> {
  const begun = await browser.navigate(`${app}/login?${query}`, () => true)
  const authorize = `${begun.headers.get('location')}&patient=${patient}&auto=1`
  const stopped = await browser.navigate(authorize, url => url.startsWith(app))
  return stopped.headers.get('location') ?? ''
}

async function land(app: string, browser: Browser, landing: Answer): Promise<LoggedIn> {
  const id = new URL(landing.url).searchParams.get('session')
  assert.ok(id, `${landing.status} ${landing.headers.get('proxy-status')}`)
  const answer = await browser.fetch(`${app}/sessions/${id}`)
  assert.equal(answer.status, 200, answer.text)
  const document = answer.json<Record<string, unknown>>()
  return { id, landing, document, fhirBaseUrl: String(document.fhirBaseUrl) }
}

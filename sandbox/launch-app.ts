// `GET /launch-app`: the EHR's button that opens the app in the context of a patient.

import { findAccount, maySee } from './authorization/accounts.ts'
import { parseAuto } from './authorization/choice.ts'
import type { Launch, Launches } from './authorization/launches.ts'
import type { Store } from './fhir/store.ts'
import { type Answer, page, redirect } from './http/answer.ts'
import { notice } from './pages/notice.ts'
import type { Sites } from './site.ts'

export interface LaunchAppOptions {
  sites: Sites
  launches: Launches
  store: Store
  /** What a launch opens. */
  launchUrl: string
}

/**
 * Makes a launch as the query says and sends the browser to the app's launch URL with it. `fhir` names
 * the version, `r4` or `dstu2`; `face` any face; `framed` that a chart surrounds the app.
 */
export function launchApp(options: LaunchAppOptions, query: URLSearchParams): Answer {
  const { sites, launches, launchUrl } = options
  const site = sites.byName(query.get('fhir') ?? query.get('face') ?? 'r4')
  const launch = readLaunch(options, query)
  if (site === undefined || launch === undefined) {
    return page(notice('No such launch', 'There is no such patient, user, encounter or face.'), {
      status: 400,
    })
  }
  const ehr = query.get('ehr')
  const target = new URL(ehr === null ? launchUrl : `${launchUrl}/${ehr}`)
  target.searchParams.set('iss', site.base)
  target.searchParams.set('launch', launches.add(launch, query.get('launch') ?? undefined))
  return redirect(target.href)
}

function readLaunch({ store }: LaunchAppOptions, query: URLSearchParams): Launch | undefined {
  const patient = query.get('patient') ?? ''
  const account = findAccount(query.get('user') ?? 'practitioner')
  const encounter = query.get('encounter') ?? undefined
  const isThere = (type: string, id: string) => store.find(type, id)?.deleted === false
  if (account === undefined || !isThere('Patient', patient) || !maySee(account, patient)) {
    return undefined
  }
  if (encounter !== undefined && !isThere('Encounter', encounter)) return undefined
  const letter = `${patient}-letter`
  return {
    patient,
    encounter,
    user: account.id,
    auto: parseAuto(query.get('auto') ?? undefined),
    intent: query.get('intent') ?? undefined,
    // In a frame of the chart the chart shows who the patient is.
    needPatientBanner: !query.has('framed'),
    ...(isThere('DocumentReference', letter)
      ? { fhirContext: [{ reference: `DocumentReference/${letter}` }] }
      : {}),
  }
}

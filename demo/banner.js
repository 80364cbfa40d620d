// Who this record is about: name, birth date, age, sex and record number, always in sight while one
// scrolls. An EHR that shows them around the app in its frame says so (SMART, need_patient_banner); the
// name stays all the same, because a frame may show another patient than its surroundings.

import { formatAge, formatDay } from './dates.js'
import { descriptions, element } from './element.js'
import { nameOf, recordNumberOf } from './wording.js'

/** The banner of a Patient resource; only the name of it where `isBrief`. */
export function createBanner(patient, { isBrief }) {
  const { name = [] } = patient
  const other = name.find(({ text }) => text && text !== nameOf(patient))?.text
  const heading = element(
    'h1',
    { id: 'patient', tabindex: '-1' },
    nameOf(patient) ?? 'Without a name',
    other && element('span', { class: 'other' }, other),
  )
  return element(
    'section',
    { class: isBrief ? 'banner brief' : 'banner', 'aria-label': 'Patient' },
    heading,
    isBrief
      ? element('p', { class: 'note' }, 'The EHR shows who this is.')
      : descriptions(listIdentity(patient)),
  )
}

/** The same in one line, for a window that covers the page. */
export function createIdentityLine(patient) {
  const told = listIdentity(patient).map(([term, value]) => `${term.toLowerCase()} ${value}`)
  return element(
    'p',
    { class: 'identity' },
    element('strong', {}, nameOf(patient) ?? 'Without a name'),
    ` · ${told.join(' · ')}`,
  )
}

// What is not known is said: a missing birth date must not look like one that nobody asked for.
function listIdentity({ birthDate, gender, deceasedDateTime, deceasedBoolean, ...patient }) {
  const isDead = deceasedDateTime !== undefined || deceasedBoolean === true
  const until = deceasedDateTime === undefined ? new Date() : new Date(deceasedDateTime)
  const age = birthDate && (!isDead || deceasedDateTime) ? formatAge(birthDate, until) : 'unknown'
  return [
    ['Born', birthDate ? formatDay(birthDate) : 'unknown'],
    ...(isDead ? [['Died', deceasedDateTime ? formatDay(deceasedDateTime) : 'yes']] : []),
    [isDead ? 'Age at death' : 'Age', age],
    ['Sex', gender ?? 'unknown'],
    ['Record number', recordNumberOf(patient) ?? 'unknown'],
  ]
}

// The patient banner: who this record is about, always in sight while one scrolls. Where the EHR shows
// its own (SMART, need_patient_banner), the name alone.

import { formatAge, formatDay } from './dates.js'
import { descriptions, element } from './element.js'
import { nameOf } from './wording.js'

/** The name of a Patient resource, and why there is no banner. */
export function createNameLine(patient) {
  return element(
    'section',
    { class: 'banner brief', 'aria-label': 'Patient' },
    element('h1', {}, nameOf(patient) ?? 'Without a name'),
    element('p', { class: 'note' }, 'The EHR shows the patient banner.'),
  )
}

/** The banner of a Patient resource. */
export function createBanner(patient) {
  const { birthDate, gender, identifier = [], name = [] } = patient
  const other = name.find(({ text }) => text && text !== nameOf(patient))?.text
  const number = identifier.find(({ type }) => type?.coding?.[0]?.code === 'MR') ?? identifier[0]
  return element(
    'section',
    { class: 'banner', 'aria-label': 'Patient' },
    element(
      'h1',
      {},
      nameOf(patient) ?? 'Without a name',
      other && element('span', { class: 'other' }, other),
    ),
    descriptions([
      ['Born', birthDate && formatDay(birthDate)],
      ['Age', birthDate && formatAge(birthDate, new Date())],
      ['Sex', gender],
      ['MRN', number?.value],
    ]),
  )
}

// The words in FHIR resources, in their R4 and DSTU2 shapes. Pure.

import { printUnit } from './units.js'

/** The words of a CodeableConcept: its text, else a display, else a code. */
export function textOf(concept) {
  const coding = concept?.coding?.find(({ display }) => display) ?? concept?.coding?.[0]
  return concept?.text ?? coding?.display ?? coding?.code
}

/** A code that is a plain code in DSTU2 and a CodeableConcept since. */
export function codeOf(value) {
  return typeof value === 'string' ? value : value?.coding?.[0]?.code
}

/** A person's name: the official one before others, in its own text where it has one. */
export function nameOf({ name = [] }) {
  const chosen = name.find(({ use }) => use === 'official') ?? name[0]
  if (chosen === undefined) return undefined
  const parts = [chosen.given, chosen.family].flat().filter(Boolean)
  return chosen.text ?? (parts.join(' ') || undefined)
}

/** The number under which a hospital keeps a patient's record; another identifier where it has none. */
export function recordNumberOf({ identifier = [] }) {
  const number = identifier.find(({ type }) => type?.coding?.some(({ code }) => code === 'MR'))
  return (number ?? identifier.find(({ use }) => use === 'usual') ?? identifier[0])?.value
}

/** A quantity with its unit. */
export function quantityOf(quantity) {
  if (quantity?.value === undefined) return undefined
  return [`${quantity.comparator ?? ''}${quantity.value}`, printUnit(quantity)]
    .filter(Boolean)
    .join(' ')
}

/** What a resource says, in one line of a table: when, what and how much. */
export function summarize(resource) {
  const concept = resource.code ?? resource.medicationCodeableConcept ?? resource.vaccineCode
  const components = resource.component?.map(({ valueQuantity }) => quantityOf(valueQuantity))
  return {
    date: dateOf(resource),
    what: textOf(concept) ?? textOf([resource.type].flat()[0]) ?? nameOf(resource),
    value:
      quantityOf(resource.valueQuantity) ??
      components?.join(' / ') ??
      textOf(resource.valueCodeableConcept) ??
      codeOf(resource.clinicalStatus) ??
      resource.status,
  }
}

/** When something was, or began, or was written down: the record's own dates, never the server's. */
export function dateOf(resource) {
  return (
    resource.effectiveDateTime ??
    resource.effectivePeriod?.start ??
    resource.period?.start ??
    resource.authoredOn ??
    resource.dateWritten ??
    resource.occurrenceDateTime ??
    resource.onsetDateTime ??
    resource.onset ??
    resource.recordedDate ??
    resource.assertedDate ??
    resource.dateRecorded ??
    resource.lastOccurrence ??
    resource.date ??
    resource.created ??
    resource.issued
  )
}

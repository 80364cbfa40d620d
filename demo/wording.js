// The words in FHIR resources, in their R4 and DSTU2 shapes. Pure.

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

/** A quantity with its unit. */
export function quantityOf(quantity) {
  if (quantity?.value === undefined) return undefined
  return [`${quantity.comparator ?? ''}${quantity.value}`, unitOf(quantity)]
    .filter(Boolean)
    .join(' ')
}

/** The unit of a quantity; what stands in braces is UCUM's annotation, and none to be read. */
export function unitOf({ unit = '' }) {
  return /^\{.*\}$/.test(unit) ? '' : unit
}

/** What a resource says, in one line of a table: when, what and how much. */
export function summarize(resource) {
  const concept = resource.code ?? resource.medicationCodeableConcept ?? resource.vaccineCode
  const components = resource.component?.map(({ valueQuantity }) => quantityOf(valueQuantity))
  return {
    date:
      resource.effectiveDateTime ??
      resource.period?.start ??
      resource.authoredOn ??
      resource.occurrenceDateTime ??
      resource.onsetDateTime ??
      resource.date ??
      resource.meta?.lastUpdated,
    what: textOf(concept) ?? textOf([resource.type].flat()[0]) ?? nameOf(resource),
    value:
      quantityOf(resource.valueQuantity) ??
      components?.join(' / ') ??
      textOf(resource.valueCodeableConcept) ??
      codeOf(resource.clinicalStatus) ??
      resource.status,
  }
}

// The sandbox's resources in the shape they had in DSTU2, as far as that face shows them. Pure.

import { nameInDstu2 } from './dstu2-requests.ts'
import { type Elements, isObject, valuesAt } from './resource.ts'

/** A resource, or a bundle of them, in DSTU2's shape, with addresses below this base. */
export function toDstu2(resource: Elements, base: string): Elements {
  const type = String(resource.resourceType)
  if (type !== 'Bundle') return shapes[type]?.(resource) ?? resource
  return {
    ...resource,
    link: objectsIn(resource.link).map(one => ({ ...one, url: rename(one.url, base) })),
    entry: objectsIn(resource.entry).map(item => ({
      ...item,
      fullUrl: rename(item.fullUrl, base),
      ...(isObject(item.resource) ? { resource: toDstu2(item.resource, base) } : {}),
    })),
  }
}

type Shape = (resource: Elements) => Elements

const shapes: Readonly<Record<string, Shape>> = {
  Patient({ name, generalPractitioner, ...rest }) {
    return { ...rest, name: objectsIn(name).map(toName), careProvider: generalPractitioner }
  },
  Practitioner({ name, qualification, ...rest }) {
    const [first = {}] = objectsIn(name)
    return { ...rest, name: toName(first), qualification }
  },
  RelatedPerson({ name, relationship, active: _, ...rest }) {
    const [first = {}] = objectsIn(name)
    return { ...rest, name: toName(first), relationship: objectsIn(relationship)[0] }
  },
  Encounter({ subject, class: setting, ...rest }) {
    const code = valuesAt(setting, 'code')[0] === 'AMB' ? 'ambulatory' : 'other'
    return { ...rest, class: code, patient: subject }
  },
  Observation({ category, ...rest }) {
    return { ...rest, category: toCategory(category, 'observation-category') }
  },
  Condition({ subject, recordedDate, recorder, category: _, ...rest }) {
    return {
      ...rest,
      category: coded('http://hl7.org/fhir/condition-category', 'diagnosis'),
      clinicalStatus: codeOf(rest.clinicalStatus),
      verificationStatus: codeOf(rest.verificationStatus),
      patient: subject,
      dateRecorded: recordedDate,
      asserter: recorder,
    }
  },
  MedicationRequest({ subject, authoredOn, requester, intent: _, ...rest }) {
    return {
      ...rest,
      resourceType: 'MedicationOrder',
      dateWritten: authoredOn,
      patient: subject,
      prescriber: requester,
    }
  },
  MedicationStatement({ subject, dosage, ...rest }) {
    return { ...rest, patient: subject, wasNotTaken: false, dosage }
  },
  AllergyIntolerance({ code, clinicalStatus, verificationStatus: _, onsetDateTime, ...rest }) {
    return {
      ...rest,
      onset: onsetDateTime,
      substance: code,
      status: codeOf(clinicalStatus),
      category: [rest.category].flat()[0],
      criticality: rest.criticality === 'high' ? 'CRITH' : 'CRITL',
    }
  },
  Immunization({ occurrenceDateTime, primarySource, ...rest }) {
    const reported = primarySource !== true
    return { ...rest, date: occurrenceDateTime, wasNotGiven: false, reported }
  },
  FamilyMemberHistory({ relationship, ...rest }) {
    const [code] = valuesAt(relationship, 'coding.code')
    const text = valuesAt(relationship, 'text')[0]
    return { ...rest, relationship: { ...coded('http://hl7.org/fhir/v3/RoleCode', code), text } }
  },
  DocumentReference({ category, date, ...rest }) {
    return { ...rest, class: objectsIn(category)[0], created: date, indexed: date }
  },
  Binary({ data, securityContext: _, ...rest }) {
    return { ...rest, content: data }
  },
}

function toName({ family, ...rest }: Elements): Elements {
  return { ...rest, ...(family === undefined ? {} : { family: [family] }) }
}

function toCategory(category: unknown, system: string): Elements {
  return coded(`http://hl7.org/fhir/${system}`, codeOf(objectsIn(category)[0]))
}

function coded(system: string, code: unknown): Elements {
  return { coding: [{ system, code }] }
}

function codeOf(concept: unknown): unknown {
  return valuesAt(concept, 'coding.code')[0]
}

/** An address below the base with the type's name of then. */
function rename(url: unknown, base: string): unknown {
  if (typeof url !== 'string') return url
  const [, type, rest = ''] = /^\/([A-Z][A-Za-z]+)(.*)$/s.exec(url.slice(base.length)) ?? []
  return type === undefined ? url : `${base}/${nameInDstu2(type)}${rest}`
}

function objectsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

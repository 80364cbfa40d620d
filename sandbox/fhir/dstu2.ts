// The sandbox's resources in the shape they had in DSTU2, as far as that face shows them. Pure.

import { type Elements, isObject, valuesAt } from './resource.ts'

/** The types that the DSTU2 face has; it is read only. */
export const dstu2Types: readonly string[] = ['Patient', 'Observation', 'Condition']

/** A resource, or a bundle of them, in DSTU2's shape. */
export function toDstu2(resource: Elements): Elements {
  const shape = shapes[String(resource.resourceType)]
  if (shape !== undefined) return shape(resource)
  if (resource.resourceType !== 'Bundle' || !Array.isArray(resource.entry)) return resource
  const entry = resource.entry.map(item =>
    isObject(item) && isObject(item.resource)
      ? { ...item, resource: toDstu2(item.resource) }
      : item,
  )
  return { ...resource, entry }
}

type Shape = (resource: Elements) => Elements

const shapes: Readonly<Record<string, Shape>> = {
  Patient({ name, generalPractitioner, ...rest }) {
    const names = Array.isArray(name) ? name.filter(isObject) : []
    return {
      ...rest,
      name: names.map(({ family, ...one }) => ({
        ...one,
        ...(family === undefined ? {} : { family: [family] }),
      })),
      careProvider: generalPractitioner,
    }
  },
  Observation({ category, ...rest }) {
    const code = valuesAt({ category }, 'category.coding.code')[0]
    const system = 'http://hl7.org/fhir/observation-category'
    return { ...rest, category: { coding: [{ system, code }] } }
  },
  Condition({ subject, recordedDate, recorder, category: _, ...rest }) {
    const [clinicalStatus] = valuesAt(rest, 'clinicalStatus.coding.code')
    return {
      ...rest,
      clinicalStatus,
      verificationStatus: 'confirmed',
      patient: subject,
      dateRecorded: recordedDate,
      asserter: recorder,
    }
  },
  OperationOutcome: resource => resource,
}

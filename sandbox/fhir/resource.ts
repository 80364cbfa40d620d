// FHIR resources as this sandbox handles them: JSON objects with a type and an id, and the few data
// types that it writes itself. Reading one element never trusts its shape.

export interface Resource {
  resourceType: string
  id: string
  meta?: { versionId?: string; lastUpdated?: string; [element: string]: unknown }
  [element: string]: unknown
}

export interface Coding {
  system?: string
  code?: string
  display?: string
}

export interface CodeableConcept {
  coding?: Coding[]
  text?: string
}

export interface Reference {
  reference?: string
  display?: string
}

export interface Quantity {
  value: number
  unit: string
  system: string
  code: string
}

/** A resource that need not have an id, such as an answer's. */
export type Elements = Readonly<Record<string, unknown>>

export interface Bundle {
  resourceType: 'Bundle'
  type: string
  total?: number
  link?: { relation: string; url: string }[]
  entry?: BundleEntry[]
  [element: string]: unknown
}

export interface BundleEntry {
  fullUrl?: string
  resource?: Resource
  search?: { mode: string }
  request?: Record<string, unknown>
  response?: Record<string, unknown>
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The values at a dotted path; lists on the way are walked through. */
export function valuesAt(value: unknown, path: string): unknown[] {
  return path.split('.').reduce<unknown[]>(
    (values, name) =>
      values.flatMap(item => {
        const next = isObject(item) ? item[name] : undefined
        return Array.isArray(next) ? next : next === undefined || next === null ? [] : [next]
      }),
    [value],
  )
}

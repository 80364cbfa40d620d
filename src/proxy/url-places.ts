// Where a `url` stands decides whether it is a link, which clients follow, or a name, which they compare:
// a resource's own `url` is a name, and so is that of an extension; in `Bundle.link`, `Bundle.entry.request`,
// attachments and all other elements it is a link. FHIR of all versions. Pure: no I/O, no clock.

/** What the `url` in an object or element is; the last one holds no addresses at all. */
export type UrlPlace = 'link' | 'name' | 'unknown' | 'nothing'

// Resources whose own `url` is an address: of a device, of a study's images.
const TYPES_WITH_ADDRESS = new Set(['Device', 'DeviceDefinition', 'ImagingStudy'])

/** Elements whose `url` is a name: StructureMap.structure and ConceptMap.group.unmapped name definitions. */
const NAMING = ['extension', 'modifierExtension', 'structure', 'unmapped']
/** Members that hold resources, whose type only they themselves tell. */
const HOLDING = ['resource', 'contained', 'outcome']
/** OperationOutcome.issue, whose `location` is a path within a document. */
const POINTING = 'issue'

const members: ReadonlyMap<string, UrlPlace> = new Map<string, UrlPlace>([
  ...NAMING.map(name => [name, 'name'] as const),
  ...HOLDING.map(name => [name, 'unknown'] as const),
  [POINTING, 'nothing'],
])

/** What the `url` in a member of this name is; types of resources are written with a capital. */
export function placeInMember(name: string): UrlPlace {
  return isType(name) ? 'unknown' : (members.get(name) ?? 'link')
}

/** The same for an XML element: one with a capital is a resource of that type. */
export function placeInElement(name: string): UrlPlace {
  if (isType(name)) return placeInType(name)
  const place = members.get(name)
  return place === undefined || place === 'unknown' ? 'link' : place
}

/** What a resource's own `url` is. */
export function placeInType(type: string): UrlPlace {
  return TYPES_WITH_ADDRESS.has(type) ? 'link' : 'name'
}

/** Names that mean more than `link`, for readers that look at few. */
export const placedNames: readonly string[] = [...members.keys()]

function isType(name: string): boolean {
  const first = name.charCodeAt(0)
  return first >= 0x41 && first <= 0x5a
}

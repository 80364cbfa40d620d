// Bodies that cost their reader most: as many bytes as are let in, of one thing again and again.

const MIB = 1024 * 1024

/** As large as a body that is judged may be, less what frames it. */
export const HOSTILE_BYTES = 16 * MIB - 4096

export interface HostileBody {
  name: string
  type: 'application/fhir+json' | 'application/fhir+xml'
  /** Without its end it is read to the last byte and then refused. */
  build(how?: { ends: boolean }): Buffer
}

/** Bodies full of addresses `ours`, and of what makes readers work. */
export function listHostileBodies(ours: string): HostileBody[] {
  const json = (name: string, unit: string, start = '[', end = '0]'): HostileBody => ({
    name: `JSON: ${name}`,
    type: 'application/fhir+json',
    build: ({ ends } = { ends: true }) => fill(start, unit, ends ? end : ''),
  })
  const xml = (name: string, unit: string, start = '<a>', end = '</a>'): HostileBody => ({
    name: `XML: ${name}`,
    type: 'application/fhir+xml',
    build: ({ ends } = { ends: true }) => fill(start, unit, ends ? end : ''),
  })
  const members = Array.from({ length: 1000 }, (_, i) => `"${i}":0`).join()
  const attributes = Array.from({ length: 250 }, (_, i) => ` a${i}=""`).join('')
  return [
    json('empty objects', '{},'),
    json('objects of many members', `{${members}},`),
    json('addresses of ours', `"${ours}/x",`),
    xml('elements of many attributes', `<b${attributes}/>`),
    xml('addresses of ours', `<b value="${ours}/x"/>`),
    xml('line ends in a value', '\n', '<a value="', '"/>'),
    xml('one value', 'a', '<a value="', '"/>'),
    xml('a comment of dashes', '- ', '<a><!--', '--></a>'),
    xml('comments', '<!---->'),
    xml('a document type', '<!--"', '<!DOCTYPE a [', ']><a/>'),
  ]
}

function fill(start: string, unit: string, end: string): Buffer {
  const room = HOSTILE_BYTES - start.length - end.length
  return Buffer.from(start + unit.repeat(Math.floor(room / unit.length)) + end)
}

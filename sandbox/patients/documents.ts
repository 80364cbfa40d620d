// Summaries, letters and pictures: DocumentReferences, and the Binaries that they point to. Pure.

import { crc32, deflateSync } from 'node:zlib'
import type { CodeableConcept, Resource } from '../fhir/resource.ts'
import { type Calendar, DAYS_A_YEAR } from './calendar.ts'
import { allergens, concept, drugs, problems, systems } from './coding.ts'
import { buildPdf, type PdfLine } from './pdf.ts'
import { drawPicture } from './picture.ts'
import { recordNumber } from './record.ts'
import type { Story } from './story.ts'

/** A summary and a picture of everybody, and a letter where the story has one, with their contents. */
export function buildDocuments(story: Story, calendar: Calendar): Resource[] {
  const picture = encodePng(drawPicture(story.id))
  const letter = story.letter === undefined ? [] : [Buffer.from(story.letter)]
  return [
    ...buildDocument(story, calendar, {
      kind: 'summary',
      title: 'Summary of the record',
      type: concept(systems.loinc, '34133-9', 'Summary of episode note'),
      contentType: 'application/pdf',
      content: writeSummary(story, calendar),
    }),
    ...letter.flatMap(content =>
      buildDocument(story, calendar, {
        kind: 'letter',
        title: 'Letter',
        type: concept(systems.loinc, '34108-1', 'Outpatient note'),
        contentType: 'text/plain; charset=utf-8',
        content,
      }),
    ),
    ...buildDocument(story, calendar, {
      kind: 'picture',
      title: 'Picture',
      type: concept(systems.loinc, '72170-4', 'Photographic image'),
      contentType: 'image/png',
      content: picture,
    }),
  ]
}

interface Content {
  kind: string
  title: string
  type: CodeableConcept
  contentType: string
  content: Buffer
}

function buildDocument(
  { id }: Story,
  calendar: Calendar,
  { kind, title, type, contentType, content }: Content,
): Resource[] {
  const subject = { reference: `Patient/${id}` }
  const binary = {
    resourceType: 'Binary',
    id: `${id}-${kind}-content`,
    contentType,
    securityContext: subject,
    data: content.toString('base64'),
  }
  const reference = {
    resourceType: 'DocumentReference',
    id: `${id}-${kind}`,
    status: 'current',
    type,
    category: [concept(systems.documentClass, 'clinical-note', 'Clinical Note')],
    subject,
    date: calendar.instant(12, 11, 20),
    author: [{ reference: 'Practitioner/maria-rivera' }],
    content: [
      {
        attachment: { contentType, url: `Binary/${binary.id}`, size: content.length, title },
      },
    ],
  }
  return [reference, binary]
}

/** Who it is, and the lists of the record, on one page. */
function writeSummary(story: Story, calendar: Calendar): Buffer {
  const { given, family, gender, ageYears, visits } = story
  const name = `${given.join(' ')} ${family}`
  const born = calendar.day(ageYears * DAYS_A_YEAR)
  const lines: PdfLine[] = [
    { text: 'Riverside Clinic' },
    { text: name, style: 'title' },
    { text: `Born ${born}, ${gender}, record ${recordNumber(story)}` },
    { text: `${visits.reason}, last visit ${calendar.day(1)}` },
    ...section('Problems', story.problems, ({ problem, resolved = false }) => {
      return `${problems[problem].text}${resolved ? ', resolved' : ''}`
    }),
    ...section('Medications', story.medications, ({ drug, dose }) => {
      return `${drugs[drug].text}: ${dose}`
    }),
    ...section('Allergies', story.allergies, ({ allergen, reaction }) => {
      return `${allergens[allergen].text}: ${reaction}`
    }),
    { text: 'Synthetic record, made for tests.', style: 'heading' },
  ]
  return buildPdf(`Summary of ${name}`, lines)
}

function section<T>(
  title: string,
  items: readonly T[] | undefined,
  write: (item: T) => string,
): PdfLine[] {
  const texts = items === undefined ? ['None known'] : items.map(write)
  return [{ text: title, style: 'heading' }, ...texts.map(text => ({ text }))]
}

/** Grey values, row by row, as a PNG. */
function encodePng({ width, height, pixels }: ReturnType<typeof drawPicture>): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 8
  const rows = Buffer.concat(
    Array.from({ length: height }, (_, row) =>
      Buffer.concat([Buffer.from([0]), pixels.subarray(row * width, (row + 1) * width)]),
    ),
  )
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body) >>> 0, 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

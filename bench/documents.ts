// What the upstream serves: a Patient of 2 KB, a Bundle of 60 KB with 130 links, one of 5 MB, and
// NDJSON of a gigabyte for the memory runs.

import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface DocumentSizes {
  patient: number
  bundle: number
  large: number
}

/** Writes the documents below `folder`, with links to `base`. */
export function writeDocuments(folder: string, base: string): DocumentSizes {
  const patient = JSON.stringify({
    resourceType: 'Patient',
    id: '1',
    text: {
      status: 'generated',
      div: `<div xmlns="http://www.w3.org/1999/xhtml">${'x'.repeat(1700)}</div>`,
    },
    name: [{ family: 'Shaw', given: ['Amy'] }],
    birthDate: '1987-02-20',
    managingOrganization: { reference: `${base}/Organization/1` },
  })
  const bundle = buildBundle(base, 64, 620)
  const large = buildBundle(base, 5_400, 620)
  writeFileSync(join(folder, 'patient.json'), patient)
  writeFileSync(join(folder, 'bundle.json'), bundle)
  writeFileSync(join(folder, 'large.json'), large)
  return { patient: patient.length, bundle: bundle.length, large: large.length }
}

/** A gigabyte of NDJSON, sparse in links. */
export function writeGigabyte(folder: string, base: string): void {
  const line = JSON.stringify({
    resourceType: 'Observation',
    subject: { reference: `${base}/Patient/1` },
    text: 'x'.repeat(900),
  })
  const block = Buffer.from(`${line}\n`.repeat(1000))
  const file = openSync(join(folder, 'giga.ndjson'), 'w')
  for (let written = 0; written < 1024 ** 3; written += block.length) writeSync(file, block)
  closeSync(file)
}

// Two links an entry and two of the Bundle's own.
function buildBundle(base: string, entries: number, padding: number): string {
  return JSON.stringify({
    resourceType: 'Bundle',
    type: 'searchset',
    link: [
      { relation: 'self', url: `${base}/Observation?_count=${entries}` },
      { relation: 'next', url: `${base}/Observation?_count=${entries}&page=2` },
    ],
    entry: Array.from({ length: entries }, (_, i) => ({
      fullUrl: `${base}/Observation/${i}`,
      resource: {
        resourceType: 'Observation',
        id: String(i),
        text: { status: 'generated', div: 'x'.repeat(padding) },
        code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
        subject: { reference: `${base}/Patient/1` },
        valueQuantity: { value: 60 + (i % 40), unit: '/min' },
      },
    })),
  })
}

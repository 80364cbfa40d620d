// Texts at which something did not hold once: a file for each reader, replayed by every test run.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, 'seeds')

/** The texts of a reader. */
export function readSeeds(reader: string): string[] {
  const path = pathOf(reader)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as string[]) : []
}

/** Keeps a text. */
export function addSeed(reader: string, text: string): string {
  mkdirSync(FOLDER, { recursive: true })
  const path = pathOf(reader)
  const texts = [...new Set([...readSeeds(reader), text])]
  writeFileSync(path, `${JSON.stringify(texts, null, 1)}\n`)
  return path
}

function pathOf(reader: string): string {
  return join(FOLDER, `${reader.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.json`)
}

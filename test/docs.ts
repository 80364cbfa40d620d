// The parts of docs/ that come from the sources: the schema for editors, the tables of limits,
// quirks and presets. `node test/docs.ts` writes them; a test compares.

import { readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { z } from 'zod'
import { buildConfigSchema } from '../program/cli/schema.ts'
import { limitsSchema } from '../program/config/limits-schema.ts'
import { describeFault, faultCodes } from '../src/errors.ts'
import { authorizationErrors, describeDenial } from '../src/smart/launch/denials.ts'
import { describePreset, presetNames } from '../src/smart/presets.ts'
import { quirkTable } from '../src/smart/quirks.ts'
import { advice } from './advice.ts'

/** Each generated file with the text it should have. */
export function buildDocs(): Map<string, string> {
  const configuration = readFileSync('docs/configuration.md', 'utf8')
  const withLimits = replacePart(configuration, 'limits', describeLimits())
  const withQuirks = replacePart(withLimits, 'quirks', describeQuirks())
  const frontend = readFileSync('docs/frontend.md', 'utf8')
  const withDenials = replacePart(frontend, 'denials', describeDenials())
  return new Map([
    ['docs/frontend.md', replacePart(withDenials, 'codes', describeCodes())],
    ['docs/fhirstorm.schema.json', buildConfigSchema()],
    ['docs/configuration.md', replacePart(withQuirks, 'presets', describePresets())],
  ])
}

interface Described {
  description?: string
  default?: number
  minimum?: number
  maximum?: number
  properties?: Record<string, Described>
}

function describeLimits(): string {
  const walk = (schema: Described, name: string): string[] => {
    const { properties, description, default: usual = '', minimum, maximum } = schema
    if (properties === undefined) {
      return [`| \`${name}\` | ${usual} | ${minimum} to ${maximum} | ${description} |`]
    }
    return Object.entries(properties).flatMap(([key, part]) =>
      walk(part, name === '' ? key : `${name}.${key}`),
    )
  }
  const rows = walk(z.toJSONSchema(limitsSchema, { io: 'input' }) as Described, '')
  return ['| `limits.` | default | may be | is |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function describeDenials(): string {
  const rows = authorizationErrors.map(error => `| \`${error}\` | ${describeDenial(error)} |`)
  return ['| `error` | means |', '| --- | --- |', ...rows].join('\n')
}

function describeCodes(): string {
  const rows = faultCodes.map(code => {
    const { status, message } = describeFault(code)
    return `| \`${code}\` | ${status} | ${message} | ${advice[code]} |`
  })
  return ['| code | status | says | and so |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function describeQuirks(): string {
  const rows = quirkTable.map(
    ({ name, relaxes, neededBy }) => `| \`${name}\` | ${relaxes} | ${neededBy} |`,
  )
  return ['| quirk | relaxes | needed by |', '| --- | --- | --- |', ...rows].join('\n')
}

function describePresets(): string {
  const rows = presetNames.map(name => {
    const { vendor, note, settings } = describePreset(name)
    const written = stringify(settings, { collectionStyle: 'flow', lineWidth: 0 }).trim()
    return `| \`${name}\` | ${vendor} | \`${written}\` | ${note} |`
  })
  return ['| preset | vendor | settings | note |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function replacePart(text: string, name: string, part: string): string {
  const pattern = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`)
  return text.replace(pattern, (_whole, open, close) => `${open}${part}\n${close}`)
}

if (import.meta.main) for (const [path, text] of buildDocs()) writeFileSync(path, text)

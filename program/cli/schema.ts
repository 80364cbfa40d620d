// `fhirstorm schema`: the JSON schema of fhirstorm.yaml, for editors.

import { z } from 'zod'
import { configSchema } from '../config/schema.ts'
import { readCommandLine } from './command-line.ts'
import { print } from './terminal.ts'

/** The JSON schema of the configuration file as text, the same as the committed one. */
export function buildConfigSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })
  return `${JSON.stringify({ title: 'fhirstorm.yaml', ...schema }, null, 2)}\n`
}

const grammar = {
  name: 'fhirstorm schema',
  options: {},
  usage: 'usage: fhirstorm schema\n\n  prints the JSON schema of fhirstorm.yaml\n',
}

/** Prints the JSON schema. */
export async function schema(args: string[]): Promise<number> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  print(buildConfigSchema())
  return 0
}

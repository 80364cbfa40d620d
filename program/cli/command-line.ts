// What stands behind a command's name: its options and words, judged before anything is done. Whatever
// cannot be meant is told in one line, with what it may have been; `--help` is every command's.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { settingOptions } from '../config/environment.ts'
import { findNearest } from '../config/nearest.ts'
import { complain, print } from './terminal.ts'

export interface Grammar {
  /** As it is typed: `fhirstorm check`. */
  name: string
  usage: string
  options: ParseArgsOptionsConfig
  /** How many words may stand beside the options; none unless told. */
  words?: number
}

export interface CommandLine {
  values: Readonly<Record<string, string | boolean | undefined>>
  words: readonly string[]
}

/** Options by which any command finds its configuration, and what stands for single settings of it. */
export const configurationOptions: ParseArgsOptionsConfig = Object.fromEntries(
  ['config', ...settingOptions].map(name => [name, { type: 'string' }]),
)

/** The line as its grammar has it, or the exit status where there is nothing left to do. */
export function readCommandLine(args: string[], grammar: Grammar): CommandLine | number {
  const options = { ...grammar.options, help: { type: 'boolean', short: 'h' } } as const
  const { values, positionals, tokens } = parseArgs({
    ...{ args, options, strict: false, tokens: true, allowPositionals: true },
  })
  if (values.help === true) {
    print(grammar.usage)
    return 0
  }
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const known = options[token.name as 'help'] as { type: string } | undefined
    if (known === undefined || !Object.hasOwn(options, token.name)) {
      return refuse(grammar, describeUnknown(token.rawName, Object.keys(options)))
    }
    if (known.type === 'string' && !token.value) {
      return refuse(grammar, `--${token.name} needs a value`)
    }
    if (known.type === 'boolean' && token.value !== undefined) {
      return refuse(grammar, `--${token.name} takes no value`)
    }
  }
  if (positionals.length > (grammar.words ?? 0)) return refuse(grammar, 'that is a word too many')
  return { values: values as CommandLine['values'], words: positionals }
}

/** Tells what a command cannot do with its line; gives the status of wrong usage. */
export function refuse({ name }: Pick<Grammar, 'name'>, message: string): number {
  complain(`${name}: ${message} (${name} --help)\n`)
  return 2
}

function describeUnknown(written: string, known: readonly string[]): string {
  const nearest = findNearest(written.replace(/^-+/, ''), known)
  return `there is no such option${nearest ? `; --${nearest} is one` : ''}`
}

// The configuration's file as a YAML document, with the place of everything in it. Pure: no I/O.

import { type Document, LineCounter, parseDocument, visit } from 'yaml'
import { describesEhr, type Environment } from './environment.ts'
import { ConfigError, locate } from './faults.ts'

/** What there is to read. */
interface Written {
  file?: { name: string; text: string }
  env: Environment
}

/** A document before it is judged. */
export interface WrittenDocument {
  document: unknown
  /** `fhirstorm.yaml:12:5`. */
  where: (path: readonly PropertyKey[]) => string
}

/**
 * The document in a configuration's file, undefined where the environment alone describes the EHR, and the
 * place of each setting. Throws a ConfigError for what is no YAML, or where there is neither.
 */
export function readDocument({ file, env }: Written): WrittenDocument {
  if (!file) {
    if (!describesEhr(env)) {
      throw new ConfigError([
        {
          where: 'configuration',
          message:
            'there is none: write fhirstorm.yaml, or set FHIRSTORM_PUBLIC_URL, FHIRSTORM_ISS, FHIRSTORM_CLIENT_ID, FHIRSTORM_CLIENT_SECRET_FILE, FHIRSTORM_SCOPE and FHIRSTORM_KEYS_FILE',
        },
      ])
    }
    return { document: undefined, where: () => 'environment' }
  }
  const lines = new LineCounter()
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(error => {
        const { line, col } = lines.linePos(error.pos[0])
        return { where: `${file.name}:${line}:${col}`, message: `not YAML (${error.code})` }
      }),
    )
  }
  return {
    document: resolveAliases(document, file.name, lines),
    where: path => locate(file.name, document, lines, path),
  }
}

// What an alias refers to is looked up at last, and the parser throws for one that refers to nothing.
function resolveAliases(document: Document, file: string, lines: LineCounter): unknown {
  try {
    return document.toJS({ maxAliasCount: 20 })
  } catch {
    let where = file
    visit(document, {
      Alias(_key, alias) {
        if (alias.resolve(document) !== undefined || !alias.range) return undefined
        const { line, col } = lines.linePos(alias.range[0])
        where = `${file}:${line}:${col}`
        return visit.BREAK
      },
    })
    const message =
      'an alias (*name) without its anchor (&name), or more of them than a configuration has'
    throw new ConfigError([{ where, message }])
  }
}

// The configuration's file as a YAML document, with the place of everything in it. Pure: no I/O.

import { type Alias, type Document, LineCounter, parseDocument, visit } from 'yaml'
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
  // The parser's warnings quote the file, and would go to standard error by themselves.
  const options = { lineCounter: lines, prettyErrors: false, logLevel: 'error' } as const
  const document = parseDocument(file.text, options)
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

// What an alias refers to is looked up at last: the parser throws for one that refers to nothing, and what
// contains itself would have no end.
function resolveAliases(document: Document, file: string, lines: LineCounter): unknown {
  const endless = findAlias(document, (alias, path) => {
    const meant = alias.resolve(document)
    return meant !== undefined && path.includes(meant)
  })
  if (endless) {
    const message = 'an alias (*name) within what it stands for (&name)'
    throw new ConfigError([{ where: place(endless), message }])
  }
  try {
    return document.toJS({ maxAliasCount: 20 })
  } catch {
    const lost = findAlias(document, alias => alias.resolve(document) === undefined)
    const message =
      'an alias (*name) without its anchor (&name), or more of them than a configuration has'
    throw new ConfigError([{ where: place(lost), message }])
  }

  function place(alias?: Alias): string {
    if (!alias?.range) return file
    const { line, col } = lines.linePos(alias.range[0])
    return `${file}:${line}:${col}`
  }
}

function findAlias(
  document: Document,
  isMeant: (alias: Alias, path: readonly unknown[]) => boolean,
): Alias | undefined {
  let found: Alias | undefined
  visit(document, {
    Alias(_key, alias, path) {
      if (!isMeant(alias, path)) return undefined
      found = alias
      return visit.BREAK
    },
  })
  return found
}

// What is wrong with a configuration: all of it at once, each fault with the place where the operator
// can mend it. Pure: no I/O.

import type { Document, LineCounter } from 'yaml'

export interface ConfigFault {
  /** `fhirstorm.yaml:12:5`, or the name of an environment variable. */
  where: string
  /** What is to be mended, where the place does not name it: `ehrs[0].clientAuth.secretFile`. */
  setting?: string
  message: string
}

/** Thrown with every fault of a configuration; the message lists them, one a line, in the order of the file. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    const sorted = faults.toSorted(compare)
    super(sorted.map(printFault).join('\n'))
    this.name = 'ConfigError'
    this.faults = sorted
  }
}

// Variables first, then the file from its top.
function compare(one: ConfigFault, other: ConfigFault): number {
  const [[a, b], [c, d]] = [findPlace(one), findPlace(other)]
  return a - c || b - d
}

function findPlace({ where }: ConfigFault): [line: number, column: number] {
  const [, line = 0, column = 0] = /:(\d+):(\d+)$/.exec(where) ?? []
  return [Number(line), Number(column)]
}

function printFault({ where, setting, message }: ConfigFault): string {
  return [where, setting, message].filter(Boolean).join(': ')
}

const NOWHERE = 'configuration'

/** A fault of a setting that was found where nobody knows the file. */
export function unplaced(setting: string, message: string): ConfigFault {
  return { where: NOWHERE, setting, message }
}

/** The fault with the place of its setting, where it had none. */
export function place(
  fault: ConfigFault,
  placeOf: (path: readonly PropertyKey[]) => string,
): ConfigFault {
  const { where, setting } = fault
  if (where !== NOWHERE || setting === undefined) return fault
  return { ...fault, where: placeOf(setting.split('.')) }
}

/** A setting by its path: `ehrs[0].iss`. */
export function nameSetting(path: readonly PropertyKey[]): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`))
    .join('')
}

/** Line and column of a place in the document, or of its nearest parent that is there. */
export function locate(
  file: string,
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
): string {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true) as { range?: number[] } | undefined
    const offset = node?.range?.[0]
    if (offset !== undefined) {
      const { line, col } = lines.linePos(offset)
      return `${file}:${line}:${col}`
    }
  }
  return file
}

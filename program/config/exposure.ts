// What a configuration would show to others by where its files lie: secrets in a file that anybody on
// the machine may read, and files of ours in the folder that the frontend serves. Pure.

import { relative, resolve, sep } from 'node:path'
import { findModeFault } from './file-mode.ts'

type SettingPath = readonly PropertyKey[]

/** A fault; without a place, of the configuration file as a whole. */
export type Exposure = readonly [place: SettingPath | undefined, message: string]

/** A value that comes from the environment stands in no file. */
const REFERENCE = /\$\{[A-Za-z_]\w*\}/

/** What others may do with the file, by its mode, given what is written in it. */
export function listFileExposures(document: unknown, mode: number): Exposure[] {
  const fault = findModeFault('public', mode)
  if (fault !== undefined) return [[undefined, fault]]
  if (findModeFault('secret', mode) === undefined) return []
  return listSecrets(document, []).map(place => [
    place,
    'a secret in a configuration that others can read: chmod 600, or a file of its own',
  ])
}

function listSecrets(value: unknown, place: SettingPath): SettingPath[] {
  if (typeof value === 'string') return isSecret(value, place) ? [place] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) =>
    listSecrets(item, [...place, Array.isArray(value) ? Number(key) : key]),
  )
}

function isSecret(text: string, place: SettingPath): boolean {
  if (REFERENCE.test(text)) return false
  if (place.at(-1) === 'secret') return text !== ''
  return URL.canParse(text) && new URL(text).password !== ''
}

/** Files that the frontend's folder would serve; `folder` is where relative paths begin. */
export function listServedFiles(
  document: ServedDocument,
  { folder, name }: { folder: string; name?: string },
): Exposure[] {
  const root = document.frontend?.static
  if (root === undefined) return []
  const isServed = (file: string) => isWithin(resolve(folder, root), resolve(folder, file))
  const named = listFiles(document, []).filter(([, file]) => isServed(file))
  const faults = named.map(
    ([place]): Exposure => [place, 'lies in frontend.static, which is served'],
  )
  return name !== undefined && isServed(name)
    ? [...faults, [['frontend', 'static'], 'serves the folder of this configuration']]
    : faults
}

interface ServedDocument {
  frontend?: { static?: string }
}

function listFiles(value: unknown, place: SettingPath): (readonly [SettingPath, string])[] {
  if (typeof value === 'string') {
    const isFile =
      /File$/.test(String(place.at(-1))) || /^(?:vault|audit)\.path$/.test(place.join('.'))
    return isFile ? [[place, value]] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) =>
    listFiles(item, [...place, Array.isArray(value) ? Number(key) : key]),
  )
}

function isWithin(folder: string, file: string): boolean {
  const path = relative(folder, file)
  return path !== '..' && !path.startsWith(`..${sep}`)
}

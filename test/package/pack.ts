// The package as a fresh clone packs it: the tracked files of this checkout in a folder of their own, with
// nothing built, packed by `npm pack`.

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export interface Packed {
  /** Path of the tarball. */
  tarball: string
  /** Paths in it, without `package/`. */
  paths: ReadonlySet<string>
}

/** Packs into a folder that is empty. */
export function packAfresh(folder: string): Packed {
  const clone = join(folder, 'clone')
  copyTracked(clone)
  symlinkSync(resolve('node_modules'), join(clone, 'node_modules'))
  const words = ['pack', '--silent', '--json', '--pack-destination', folder]
  const told = execFileSync('npm', words, {
    cwd: clone,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const [packed] = JSON.parse(told) as [{ filename: string; files: { path: string }[] }]
  return {
    tarball: join(folder, packed.filename),
    paths: new Set(packed.files.map(({ path }) => path)),
  }
}

/** Copies what is tracked, as it stands here, and what is new and not ignored. */
export function copyTracked(to: string): void {
  const words = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const listed = execFileSync('git', words, { encoding: 'utf8' })
  for (const path of listed.split('\0')) {
    if (path === '' || !existsSync(path)) continue
    mkdirSync(dirname(join(to, path)), { recursive: true })
    copyFileSync(path, join(to, path))
  }
}

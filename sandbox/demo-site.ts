// The folder that the demo's frontend is served from: its own files as they are, and beside them the
// client of `fhirstorm/browser`, whose types are taken out, because browsers read JavaScript. No bundler.

import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { basename, join } from 'node:path'

/** Writes the demo of the checkout at `root` into a folder, over what is there. */
export function publishDemo(root: string, folder: string): void {
  cpSync(join(root, 'demo'), folder, { recursive: true })
  for (const file of globSync('*.js', { cwd: folder })) {
    const path = join(folder, file)
    writeFileSync(path, toBrowser(readFileSync(path, 'utf8')))
  }
  mkdirSync(join(folder, 'client'), { recursive: true })
  for (const file of globSync(join(root, 'client/*.ts'))) {
    const source = stripTypeScriptTypes(readFileSync(file, 'utf8'))
    writeFileSync(join(folder, 'client', `${basename(file, '.ts')}.js`), toBrowser(source))
  }
}

// The client lies beside the demo in the checkout, and below it where both are served.
function toBrowser(source: string): string {
  return source
    .replaceAll("from '../client/", "from './client/")
    .replace(/(from '\.\/[\w/-]+)\.ts'/g, "$1.js'")
}

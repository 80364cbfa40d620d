// A frontend at another origin than fhirstorm's, of the same site, with the files of the demo, the client of
// fhirstorm/browser among them.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import fastify from 'fastify'
import { publishDemo } from '../../sandbox/demo-site.ts'
import { removeFolder } from './folder.ts'
import { findPort } from './port.ts'

/** A page on which nothing runs by itself. */
export const EMPTY_PAGE = 'empty.html'

export interface Elsewhere {
  /** Without a trailing slash. */
  origin: string
  /** Where its files lie, for whoever serves the same. */
  folder: string
  close(): Promise<void>
}

/** Serves it until it is closed. */
export async function startElsewhere(): Promise<Elsewhere> {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-frontend-'))
  publishDemo(process.cwd(), folder)
  writeFileSync(join(folder, EMPTY_PAGE), '<!doctype html><title>Nothing</title>')
  const port = await findPort()
  const frontend = fastify()
  await frontend.register(fastifyStatic, { root: folder })
  await frontend.listen({ host: 'localhost', port })
  return {
    origin: `http://localhost:${port}`,
    folder,
    async close() {
      await frontend.close()
      removeFolder(folder)
    },
  }
}

// What the suite is told: where its hostile EHRs listen, under which addresses the target reaches them,
// and the client that the target was registered with.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

const place = (port: number) =>
  z
    .strictObject({
      /** As the target reaches it: scheme, host, port. */
      url: z.url().default(`http://127.0.0.1:${port}`),
      listen: z
        .strictObject({ host: z.string().default('127.0.0.1'), port: z.int().default(port) })
        .prefault({}),
      certFile: z.string().optional(),
      keyFile: z.string().optional(),
    })
    .prefault({})

const schema = z.strictObject({
  /** Public URL of the deployment; `--target` wins. */
  target: z.url().optional(),
  ehrs: place(7100),
  evil: place(7101),
  client: z
    .strictObject({
      id: z.string().default('fhirstorm-attack-suite'),
      secret: z.string().min(8).default('a secret of the attack suite'),
    })
    .prefault({}),
})

export type SuiteConfig = z.output<typeof schema>
export type Place = SuiteConfig['ehrs']

/** Reads the suite's configuration; without a file everything is on this machine. Throws for what is none. */
export function readConfig(file?: string): SuiteConfig {
  return parseConfig(file === undefined ? {} : (parse(readFileSync(file, 'utf8')) ?? {}))
}

/** The configuration with its defaults. Throws for what is none. */
export function parseConfig(document: z.input<typeof schema>): SuiteConfig {
  return schema.parse(document)
}

/** A secret that is found when it leaks. */
export function makeSecret(): string {
  return `secret-${randomBytes(18).toString('base64url')}`
}

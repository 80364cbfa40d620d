// The product with the suite's EHRs registered, as an operator would start it for an attack.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyPair } from '../network/certificates.ts'
import { type Broker, createBroker, makeFolder } from '../world/broker.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { makeSecret, parseConfig, type SuiteConfig } from './config.ts'
import { buildRegistrations } from './register.ts'

/** A configuration of the suite on free ports of this machine. */
export async function findPlaces(): Promise<SuiteConfig> {
  const [ehrs, evil] = [await findPort(), await findPort()]
  const place = (port: number) => ({ url: `http://127.0.0.1:${port}`, listen: { port } })
  return parseConfig({ ehrs: place(ehrs), evil: place(evil), client: { secret: makeSecret() } })
}

/** A broker that knows the suite's EHRs, with the façade; it is not started yet. */
export async function createProduct(
  config: SuiteConfig,
  { prefix = '', tls }: { prefix?: string; tls?: KeyPair } = {},
): Promise<Broker> {
  const folder = makeFolder()
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  if (tls) {
    writeFileSync(files.certFile, tls.cert, { mode: 0o600 })
    writeFileSync(files.keyFile, tls.key, { mode: 0o600 })
  }
  const broker = createBroker({
    app: `${tls ? 'https' : 'http'}://localhost:${await findPort()}${prefix}`,
    ...{ sandbox: config.ehrs.url, folder },
    configure(document) {
      document.ehrs = buildRegistrations(config)
      if (tls) document.listen.tls = files
      document.facade = {
        ...{ launchUrl: '/app/launch.html', redirectUris: ['/app/'], clientId: 'existing-app' },
      }
    },
  })
  return {
    ...broker,
    async close() {
      await broker.close()
      removeFolder(folder)
    },
  }
}

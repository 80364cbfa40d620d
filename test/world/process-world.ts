// The product as a process of its own beside the sandbox EHR, both started; see world.ts for the same within the
// process of the test.

import { join } from 'node:path'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts'
import { type Broker, type BrokerOptions, createBroker, makeFolder, startAll } from './broker.ts'
import { removeFolder } from './folder.ts'
import { findPort } from './port.ts'
import type { ConfigDocument } from './world.ts'

export interface ProcessWorld {
  /** Public URL of the product. */
  app: string
  /** URL of its admin listener. */
  admin: string
  sandbox: Sandbox
  broker: Broker
  /** Folder of the configuration, the keys and the vault. */
  folder: string
  /** The configuration's file. */
  file: string
  close(): Promise<void>
}

export interface ProcessWorldOptions
  extends Pick<BrokerOptions, 'env' | 'program' | 'through' | 'folder'> {
  scheme?: 'http' | 'https'
  sandbox?: Partial<SandboxOptions>
  /** Laid over the demo's configuration document. */
  configure?: (document: ConfigDocument, sandboxUrl: string) => void
}

/**
 * Starts the world; everything in it ends with `close`, and with a start that fails. A folder that it was
 * given stays.
 */
export async function startProcessWorld(options: ProcessWorldOptions = {}): Promise<ProcessWorld> {
  const { scheme = 'http', configure, sandbox: ehr, folder = makeFolder(), ...rest } = options
  const [port, adminPort] = await Promise.all([findPort(), findPort()])
  const app = `${scheme}://localhost:${port}`
  const sandbox = await startSandbox({ port: 0, appUrl: app, ...ehr })
  const broker = createBroker({
    ...{ ...rest, app, sandbox: sandbox.url, folder },
    configure(document) {
      document.admin = { port: adminPort }
      configure?.(document, sandbox.url)
    },
  })
  const close = async () => {
    await broker.close()
    await sandbox.close()
    if (options.folder === undefined) removeFolder(folder)
  }
  await startAll([broker], close)
  const file = join(folder, `fhirstorm-${port}.yaml`)
  return { app, admin: `http://127.0.0.1:${adminPort}`, sandbox, broker, folder, file, close }
}

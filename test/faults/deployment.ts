// Several processes of the product over one vault, each at a port of its own, and requests to one of them.

import { request } from 'node:http'
import type { Face } from '../../sandbox/faces/face.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type Broker, createBroker, makeFolder, startAll } from '../world/broker.ts'
import type { Browser } from '../world/browser.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { findPort } from '../world/port.ts'
import type { ConfigDocument } from '../world/world.ts'

/** Of one answer, in milliseconds, on a machine that has much else to do. */
const PATIENCE_MS = 60_000

export interface Deployment {
  app: string
  ports: number[]
  /** Of the first process's admin listener. */
  adminPort: number
  brokers: Broker[]
  sandbox: Sandbox
  /** Calls that the EHR has had. */
  tokenCalls: () => number
  revocations: () => number
  close(): Promise<void>
}

export interface DeployOptions {
  /** Faces of the sandbox besides its own; each is registered under its name. */
  faces: readonly Face[]
  accessTokenSeconds?: number
  configure?: (document: ConfigDocument) => void
  /** Environment of the process with this number. */
  env?: (process: number) => Record<string, string>
}

/** Starts so many processes that share a folder, at ports of their own; the first has the public URL. */
export async function deploy(count: number, options: DeployOptions): Promise<Deployment> {
  const names = options.faces.map(({ name }) => name)
  const [adminPort = 0, ...ports] = await Promise.all(Array.from({ length: count + 1 }, findPort))
  const app = `http://localhost:${ports[0]}`
  const calls = { token: 0, revoke: 0 }
  const sandbox = await startSandbox({
    port: 0,
    appUrl: app,
    ...{ faces: options.faces, ehrIds: ehrIdsWith(...names) },
    accessTokenSeconds: options.accessTokenSeconds,
    onRequest({ path }) {
      if (path.endsWith('/token')) calls.token++
      if (path.endsWith('/revoke')) calls.revoke++
    },
  })
  const folder = makeFolder()
  const brokers = ports.map((port, i) =>
    createBroker({
      ...{ app, sandbox: sandbox.url, folder, port, env: options.env?.(i) },
      configure(document) {
        registerFaces(document, sandbox.url, names)
        if (port === ports[0]) document.admin = { port: adminPort }
        options.configure?.(document)
      },
    }),
  )
  const close = async () => {
    await Promise.allSettled(brokers.map(broker => broker.close()))
    await sandbox.close()
  }
  await startAll(brokers, close)
  return {
    app,
    ports,
    adminPort,
    brokers,
    sandbox,
    tokenCalls: () => calls.token,
    revocations: () => calls.revoke,
    close,
  }
}

/** A request to one process, with the public Host and a browser's cookies. */
export async function call(
  { app }: Deployment,
  port: number,
  path: string,
  browser: Browser,
  method = 'GET',
): Promise<{ status: number; text: string; location?: string; setCookies: string[] }> {
  const cookie = [...browser.cookies(app)].map(pair => pair.join('=')).join('; ')
  return await new Promise((done, fail) => {
    const headers = { host: new URL(app).host, cookie, 'x-csrf': '1' }
    const timeout = PATIENCE_MS
    const sent = request({ host: 'localhost', port, path, method, headers, timeout }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.on('error', fail).on('end', () =>
        done({
          text,
          status: response.statusCode ?? 0,
          location: response.headers.location,
          setCookies: response.headers['set-cookie'] ?? [],
        }),
      )
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer')))
    sent.on('error', fail).end()
  })
}

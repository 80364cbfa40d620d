// The hostile EHRs of the suite at one address, and beside them a stranger that nobody may ever talk to.

import { readFileSync } from 'node:fs'
import { createServer as createHttp, type RequestListener, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { Place, SuiteConfig } from '../config.ts'
import { listDescriptions, listKeySets } from './descriptions.ts'
import { createEhr, type HostileEhr } from './ehr.ts'

export interface HostileEhrs {
  /** Honest until a row says otherwise. */
  a: HostileEhr
  b: HostileEhr
  /** By name: each describes itself or its keys wrongly in its own way. */
  described: ReadonlyMap<string, HostileEhr>
  all: readonly HostileEhr[]
  client: { id: string; secret: string }
  /** The stranger. */
  evil: { url: string; connections: number; heard: string[] }
  /** Everything that no answer may show. */
  secrets: Set<string>
  /** Requests that broke HTTP on their way to the EHRs. */
  broken: string[]
  close(): Promise<void>
}

/** Starts them; rejects where a port is taken. */
export async function startEhrs({
  ehrs: place,
  evil: stranger,
  client,
}: SuiteConfig): Promise<HostileEhrs> {
  const secrets = new Set([client.secret])
  const create = (name: string) => createEhr({ name, url: `${place.url}/${name}`, client, secrets })
  const evil: HostileEhrs['evil'] = { url: stranger.url, connections: 0, heard: [] }
  const described = new Map<string, HostileEhr>()
  for (const [name, describe] of Object.entries(listDescriptions({ ...place, evil: evil.url }))) {
    const ehr = create(name)
    ehr.describe = usual => describe(usual)
    described.set(name, ehr)
  }
  for (const [name, answer] of Object.entries(listKeySets(evil.url))) {
    const ehr = create(name)
    ehr.keys = () => answer(ehr.signer.jwk)
    described.set(name, ehr)
  }
  const [a, b] = [create('a'), create('b')] as const
  const all = [a, b, ...described.values()]
  const broken: string[] = []
  const server = makeServer(place, (request, response) => {
    const [, name, path = ''] = /^\/([a-z-]+)(.*)$/.exec(request.url ?? '') ?? []
    const ehr = all.find(each => each.name === name)
    if (ehr) return void ehr.answer(request, response, path)
    broken.push(`${request.method} ${request.url}`)
    response.writeHead(404).end()
  })
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    // One that left in the middle has broken nothing.
    if (error.code?.startsWith('HPE_') && error.code !== 'HPE_INVALID_EOF_STATE')
      broken.push(error.code)
    socket.destroy()
  })
  const strangers = makeServer(stranger, (request, response) => {
    const { authorization = 'no authorization', cookie = 'no cookie' } = request.headers
    evil.heard.push(
      `${request.method} ${request.url}, ${authorization.slice(0, 12)}, ${cookie.slice(0, 12)}`,
    )
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  strangers.on('connection', () => evil.connections++)
  await listen(server, place)
  await listen(strangers, stranger)
  return {
    ...{ a, b, described, all, client, evil, secrets, broken },
    async close() {
      for (const each of [server, strangers]) {
        each.close()
        each.closeAllConnections()
      }
    },
  }
}

function makeServer({ certFile, keyFile }: Place, listener: RequestListener): Server {
  // What the target sends is to be seen, however long it takes and however large it is.
  const rules = { maxHeaderSize: 256 * 1024, requestTimeout: 0, keepAliveTimeout: 60_000 }
  if (!certFile || !keyFile) return createHttp(rules, listener)
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  return createHttps({ ...rules, ...tls }, listener) as Server
}

async function listen(server: Server, { listen: { host, port } }: Place): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
}

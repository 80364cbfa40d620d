// A FHIR server that takes batches of AuditEvents over real HTTP, or does to them what a test says.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Entry {
  resource: { id?: string; resourceType: string; meta?: { tag?: { code: string }[] } }
  request: { method: string; url: string; ifNoneExist?: string }
}

/** What is done with a batch; `true` where the answer is given already. */
export type Behaviour = (
  entries: Entry[],
  request: IncomingMessage,
  response: ServerResponse,
) => true | number[] | undefined

export interface StandIn {
  url: string
  /** Resources by the name that we gave them. */
  taken: Map<string, object>
  /** How many entries came, those included that came again. */
  entries: number
  batches: number[]
  headers: IncomingMessage['headers'][]
  behave(behaviour: Behaviour): void
  close(): Promise<void>
}

/** Starts one on a free port, or on the one given. */
export async function startStandIn(t: TestContext, port = 0): Promise<StandIn> {
  let behaviour: Behaviour = () => undefined
  const standIn: StandIn = {
    ...{ url: '', taken: new Map(), entries: 0, batches: [], headers: [] },
    behave(next) {
      behaviour = next
    },
    close: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const { entry } = JSON.parse(text) as { entry: Entry[] }
    standIn.batches.push(entry.length)
    standIn.headers.push(request.headers)
    const statuses = behaviour(entry, request, response)
    if (statuses === true) return
    standIn.entries += entry.length
    const answers = entry.map((one, i) => {
      const status = statuses?.[i] ?? 201
      const { resource, request: asked } = one
      const name = asked.method === 'PUT' ? resource.id : resource.meta?.tag?.at(-1)?.code
      if (status < 300) standIn.taken.set(String(name), resource)
      return { response: { status: `${status} Told` } }
    })
    respond(response, 200, { resourceType: 'Bundle', type: 'batch-response', entry: answers })
  })
  await new Promise<void>(done => server.listen(port, '127.0.0.1', done))
  t.after(() => standIn.close())
  standIn.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`
  return standIn
}

export function respond(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): true {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/fhir+json', ...headers }).end(text)
  return true
}

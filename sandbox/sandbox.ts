// The sandbox EHR: a real authorization server, a FHIR server with ten invented patients, an EHR's front
// page to launch the app from, and many faces with the habits and faults of other EHRs. Everything is in
// memory and ends with it.

import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buildClientMetadata, ownClients, type SandboxClient } from './authorization/clients.ts'
import { createLaunches, type Launch } from './authorization/launches.ts'
import { createAuthorizationServer } from './authorization/server.ts'
import { createStorage, type Storage } from './authorization/storage.ts'
import { demoEhrIds } from './demo-config.ts'
import type { Face } from './faces/face.ts'
import { faces as namedFaces } from './faces/faces.ts'
import { createFhirServer, type Grantee } from './fhir/server.ts'
import { createStore } from './fhir/store.ts'
import { createCalendar } from './patients/calendar.ts'
import { createDirectory } from './patients/card.ts'
import { buildPopulation } from './patients/population.ts'
import { type Parts, route } from './routes.ts'
import { createSites } from './site.ts'
import { createVisits } from './visits.ts'

export interface SandboxOptions {
  /** 0 takes a free one. */
  port: number
  host?: string
  /** Where the app is: its `/launch` and `/redirect` are registered. */
  appUrl: string
  /** What an EHR launch opens, unless it is the app's `/launch`. */
  launchUrl?: string
  /** Ids for which `/redirect/ID` is registered, besides those of the demo. */
  ehrIds?: readonly string[]
  /** Further redirect URIs of the app. */
  redirectUris?: readonly string[]
  /** The app's keys, unless they are at its `/.well-known/jwks.json`. */
  jwksUri?: string
  /** Clients besides the tutorial's. */
  clients?: readonly SandboxClient[]
  /** Faces besides the named ones. */
  faces?: readonly Face[]
  accessTokenSeconds?: number
  /** The patients' today. */
  today?: Date
  /** Speaks TLS with this certificate and these demands. */
  tls?: TlsOptions
  /** Hears of each request before it is answered. */
  onRequest?: (request: { method: string; path: string }) => void
}

export interface Sandbox {
  /** Scheme, host and port; also the issuer. */
  url: string
  /** The FHIR base of a face. */
  base(face: string): string
  /** Registers a client, or another version of one. */
  register(client: SandboxClient): Promise<void>
  /** Moves the app, and with it its clients; the ids stay as they are unless given. */
  moveApp(appUrl: string, ehrIds?: readonly string[]): Promise<void>
  /** Makes an EHR launch; its id, for the app's launch URL. */
  launch(launch: Omit<Launch, 'user'> & { user?: string }, id?: string): string
  /** From now on no access token given before is good. */
  expireAccessTokens(): void
  /** From now on no refresh token given before is good. */
  expireRefreshTokens(): void
  /** Ends a user's sessions and tells the apps. */
  logout(user: string): Promise<void>
  close(): Promise<void>
}

/** Starts a sandbox; resolves when it listens. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  // Its own address must be known before it can be put together; until then nobody is served.
  let handler: RequestListener = (_req, res) => {
    res.writeHead(503).end()
  }
  const listener: RequestListener = (req, res) => handler(req, res)
  const { tls, host = '127.0.0.1', port } = options
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  const origin = `${tls ? 'https' : 'http'}://${host}:${await listen(server, port, host)}`
  const { sandbox, parts } = await assemble(options, origin, server)
  handler = (req, res) => {
    const { method = '', url = '' } = req
    options.onRequest?.({ method, path: url.split('?')[0] ?? '' })
    route(parts, req, res).catch(error => {
      console.error(error)
      res.destroy()
    })
  }
  return sandbox
}

async function assemble(options: SandboxOptions, origin: string, server: Server) {
  const { today = new Date(), faces = [], accessTokenSeconds = 3600 } = options
  const calendar = createCalendar(today)
  const store = createStore(buildPopulation(calendar), () => new Date())
  const directory = createDirectory(store, calendar)
  const sites = createSites(origin, [...namedFaces, ...faces])
  const launches = createLaunches()
  const storage = createStorage()
  const authorization = await createAuthorizationServer({
    origin,
    sites,
    launches,
    storage,
    directory,
    accessTokenSeconds,
  })
  const { provider } = authorization
  const fhir = createFhirServer({
    store,
    today: calendar.day(0),
    findGrantee: token => findGrantee(provider, token),
  })
  const apps = await registerApps(options, storage)
  const parts: Parts = {
    ...{ origin, sites, directory, authorization, fhir },
    countVisit: createVisits(),
    launching: () => ({ sites, launches, store, launchUrl: apps.launchUrl() }),
    app: () => ({ appUrl: apps.appUrl(), clients: apps.clients() }),
  }
  const sandbox: Sandbox = {
    ...{ url: origin, register: apps.register, moveApp: apps.moveApp },
    base(face) {
      const site = sites.byName(face)
      if (site === undefined) throw new Error(`the sandbox has no face ${face}`)
      return site.base
    },
    launch: (launch, id) => launches.add({ user: 'practitioner', ...launch }, id),
    expireAccessTokens: () => storage.clear('AccessToken'),
    expireRefreshTokens: () => storage.clear('RefreshToken'),
    logout: authorization.logout,
    close: () => close(server),
  }
  return { sandbox, parts }
}

/** The app's clients and those of the options, and ways to have others. */
async function registerApps(options: SandboxOptions, storage: Storage) {
  const { redirectUris, jwksUri, clients = [] } = options
  let { appUrl, ehrIds = [] } = options
  const own = () => {
    const ids = new Set([...demoEhrIds, ...ehrIds])
    return ownClients({ appUrl, ehrIds: [...ids], redirectUris, jwksUri })
  }
  const register = (client: SandboxClient) =>
    storage.adapter('Client').upsert(client.clientId, buildClientMetadata(client))
  const moveApp = async (url: string, ids = ehrIds) => {
    appUrl = url
    ehrIds = ids
    for (const client of own()) await register(client)
  }
  for (const client of clients) await register(client)
  await moveApp(appUrl)
  const launchUrl = () => options.launchUrl ?? `${appUrl}/launch`
  return { register, moveApp, clients: own, launchUrl, appUrl: () => appUrl }
}

async function findGrantee(
  provider: Awaited<ReturnType<typeof createAuthorizationServer>>['provider'],
  token: string,
): Promise<Grantee | undefined> {
  const found = await provider.AccessToken.find(token)
  if (found === undefined) return undefined
  const { scope, accountId, aud, extra } = found
  const patient = typeof extra?.patient === 'string' ? extra.patient : undefined
  return { scope, accountId, patient, audience: aud }
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return (server.address() as AddressInfo).port
}

async function close(server: Server): Promise<void> {
  const closed = new Promise(resolve => server.close(resolve))
  server.closeAllConnections()
  await closed
}

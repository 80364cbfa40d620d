// Which part of the sandbox a request is for: its pages, an authorization, or one of its faces.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { accounts } from './authorization/accounts.ts'
import type { SandboxClient } from './authorization/clients.ts'
import { buildPreparation } from './authorization/prepared.ts'
import type { AuthorizationServer } from './authorization/server.ts'
import type { Call, Place } from './faces/face.ts'
import { faceGroups } from './faces/faces.ts'
import type { FhirServer } from './fhir/server.ts'
import { type Answer, json, page, redirect, text } from './http/answer.ts'
import { readBody } from './http/body.ts'
import { greet } from './http/connection.ts'
import { send } from './http/send.ts'
import { type LaunchAppOptions, launchApp } from './launch-app.ts'
import { follow } from './moves.ts'
import { chartPage } from './pages/chart.ts'
import { facesPage } from './pages/faces.ts'
import { frontPage } from './pages/front.ts'
import { notice } from './pages/notice.ts'
import type { Directory } from './patients/card.ts'
import type { Sites } from './site.ts'

export interface Parts {
  origin: string
  sites: Sites
  directory: Directory
  authorization: AuthorizationServer
  fhir: FhirServer
  /** Counts the visits to public documents. */
  countVisit(place: Place): number
  /** What launches need, with the app's address as it is now. */
  launching(): LaunchAppOptions
  /** Where the app is now, and who it is here. */
  app(): { appUrl: string; clients: readonly SandboxClient[] }
}

/** Answers every request of a sandbox. */
export async function route(
  parts: Parts,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const url = parseTarget(req, parts.origin)
  if (url === undefined) return await send(req, res, text('This is no target.', { status: 400 }))
  const own = await answerPage(parts, req, res, url)
  if (own !== undefined) return await send(req, res, own)
  const located = parts.sites.locate(url.pathname)
  if (located === undefined) {
    return await send(
      req,
      res,
      page(notice('Not found', 'There is no such page.'), { status: 404 }),
    )
  }
  if (!greet(req, res, located.site.face.connection?.(located) ?? {})) return
  const place = follow(located)
  if ('location' in place) {
    const { status, location } = place
    return await send(req, res, { status, headers: { location: `${location}${url.search}` } })
  }
  if (place.kind === 'oauth') return await parts.authorization.handle(req, res, place)
  const body = await readBody(req)
  if (body === undefined) return await send(req, res, text('Too large.', { status: 413 }))
  await send(req, res, await parts.fhir(buildCall(parts, req, url, place), body))
}

/** The target, its letters and digits written as such (RFC 3986 6.2.2.2). */
function parseTarget({ url = '' }: IncomingMessage, origin: string): URL | undefined {
  if (!url.startsWith('/') || !URL.canParse(`${origin}${url}`)) return undefined
  const target = new URL(`${origin}${url}`)
  target.pathname = target.pathname.replace(
    /%(?:2D|2E|5F|7E|3\d|[46][1-9A-F]|[57][\dA])/gi,
    letter => decodeURIComponent(letter),
  )
  return target
}

function buildCall(
  parts: Parts,
  { method = 'GET', headers }: IncomingMessage,
  url: URL,
  place: Place,
): Call {
  const { site, path } = place
  const visit = parts.countVisit(place)
  return { site, method, path, query: url.searchParams, headers, visit }
}

async function answerPage(
  parts: Parts,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
): Promise<Answer | undefined> {
  const { origin, sites, directory, authorization } = parts
  const { pathname, searchParams } = url
  if (pathname.startsWith('/interaction/')) return await authorization.interact(req, res, url)
  if (pathname === '/launch-app') return launchApp(parts.launching(), searchParams)
  if (pathname === '/chart') return answerChart(parts, url)
  if (pathname === '/auto') {
    return redirect('/', { 'set-cookie': buildPreparation(searchParams) })
  }
  if (pathname === '/faces') return page(facesPage(sites, faceGroups))
  if (pathname === '/smart-style.json') return json(style)
  if (pathname !== '/') return undefined
  const { appUrl, clients } = parts.app()
  const patients = directory.cards()
  const faces = sites.all.length
  return page(frontPage({ url: origin, appUrl, clients, patients, accounts, faces }))
}

/** The app in a frame, launched as `/launch-app` would with the same query. */
function answerChart({ directory, launching }: Parts, { search, searchParams }: URL): Answer {
  const card = directory.card(searchParams.get('patient') ?? '')
  if (card === undefined)
    return page(notice('No such patient', 'Nobody has this id.'), { status: 404 })
  const frames = `'self' ${new URL(launching().launchUrl).origin}`
  return page(chartPage(card, `/launch-app${search}&framed`), { frames })
}

/** What `smart_style_url` leads to. */
const style = {
  color_background: '#f3f6f8',
  color_error: '#a33b2a',
  color_highlight: '#0b6e6e',
  color_modal_backdrop: '#16232e',
  color_success: '#0b6e6e',
  color_text: '#16232e',
  dim_border_radius: '12px',
  dim_font_size: '16px',
  dim_spacing_size: '20px',
  font_family_body: 'system-ui, sans-serif',
  font_family_heading: 'system-ui, sans-serif',
}

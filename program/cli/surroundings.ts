// What a start would meet besides its configuration: the vault with these keys, the frontend's folder, the
// addresses and sockets to listen on. Nothing is made, and nothing stays open.

import { constants } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { isAnotherSite } from '../../src/browser/sites.ts'
import { describeError } from '../../src/error-description.ts'
import type { FacadeClient } from '../../src/facade/client.ts'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import { checkFolder } from '../../src/vault/sqlite-file.ts'
import type { Vault } from '../../src/vault/vault.ts'
import type { Config } from '../config/load.ts'
import { openVault } from '../embedded.ts'
import { findAtSocket } from '../socket-file.ts'
import { describeListenFault, describeSocketFault, findListenMember } from './listen-fault.ts'

export interface Finding {
  /** `fault`: a start would fail, or serve nobody. `warning`: it would run, and somebody should know. */
  kind: 'fault' | 'warning'
  /** The setting it is about. */
  setting: string
  message: string
}

const VAULT_DEADLINE_MS = 5_000

/** Everything that is found, in the order of the settings; what is faulty itself is left out. */
export async function judgeSurroundings(sound: Partial<Config>): Promise<Finding[]> {
  const { listen, admin, internal, frontend, publicUrl, vault, keyRing, facade } = sound
  return [
    ...(listen ? await judgePort('listen', listen) : []),
    ...(admin ? await judgePort('admin', admin) : []),
    ...(internal ? await judgeInternal(internal) : []),
    ...(frontend && publicUrl ? judgeOrigins(frontend, publicUrl) : []),
    ...(frontend ? await judgeFiles(frontend) : []),
    ...(frontend && publicUrl ? await judgePage(frontend, publicUrl) : []),
    ...(frontend && facade && publicUrl ? await judgeApp(frontend, facade, publicUrl) : []),
    ...(vault ? await judgeVault(vault, keyRing) : []),
  ]
}

/** A login from there succeeds, and every session is then invalid, without a word. */
function judgeOrigins({ origins }: Config['frontend'], publicUrl: string): Finding[] {
  return origins
    .filter(origin => isAnotherSite(origin, publicUrl))
    .map(origin => ({
      kind: 'warning' as const,
      setting: 'frontend.origins',
      message: `${origin} is another site than publicUrl: browsers send no ticket from there`,
    }))
}

async function judgePort(
  setting: string,
  { host, port }: { host: string; port: number },
): Promise<Finding[]> {
  const server = createServer()
  const error = await new Promise<Error | undefined>(resolve => {
    server.once('error', resolve).listen({ host, port }, () => resolve(undefined))
  })
  server.close()
  if (error === undefined) return []
  // A service that runs already is the usual reason.
  const kind = describeError(error).code === 'EADDRINUSE' ? 'warning' : 'fault'
  const message = describeListenFault(error) ?? 'the address cannot be listened on'
  const member = findListenMember(error)
  return [{ kind, setting: `${setting}.${member}`, message: `${host}:${port}: ${message}` }]
}

async function judgeInternal(internal: NonNullable<Config['internal']>): Promise<Finding[]> {
  if (!('socket' in internal)) return await judgePort('internal', internal)
  const { socket } = internal
  const setting = 'internal.socket'
  const found = await findAtSocket(socket)
  if (found === 'other') {
    return [{ kind: 'fault', setting, message: `${socket}: ${describeSocketFault(found)}` }]
  }
  if (found === 'served') {
    return [{ kind: 'warning', setting, message: `${socket}: ${describeSocketFault(found)}` }]
  }
  const folder = dirname(socket)
  const message = `${socket} cannot be made: ${folder} cannot be written`
  return (await isWritable(folder)) ? [] : [{ kind: 'fault', setting, message }]
}

async function judgeFiles({ static: folder, fallback }: Config['frontend']): Promise<Finding[]> {
  if (folder === undefined) return []
  const setting = 'frontend.static'
  const found = await stat(folder).catch(() => undefined)
  if (!found?.isDirectory()) {
    return [{ kind: 'fault', setting, message: `${folder} is no folder that can be read` }]
  }
  if (fallback !== undefined && !(await isThere(join(folder, fallback)))) {
    return [
      { kind: 'fault', setting: 'frontend.fallback', message: `${folder} has no ${fallback}` },
    ]
  }
  const message = `${folder} has no index.html`
  return (await isThere(join(folder, 'index.html'))) ? [] : [{ kind: 'warning', setting, message }]
}

/** A page that is served below a path and loads from the root stays blank, without a word. */
async function judgePage(
  { static: folder }: Config['frontend'],
  publicUrl: string,
): Promise<Finding[]> {
  const base = `${new URL(publicUrl).pathname.replace(/\/$/, '')}/`
  if (folder === undefined || base === '/') return []
  const page = await readFile(join(folder, 'index.html'), 'utf8').catch(() => '')
  const loaded = [
    ...page.matchAll(/<(?:script|link)\b[^<>]*?\s(?:src|href)="(\/[^/"][^"]{0,255})"/g),
  ]
  const missed = loaded.map(([, path = '']) => path).find(path => !path.startsWith(base))
  if (missed === undefined) return []
  const message = `index.html loads ${JSON.stringify(missed)}, which is not below ${base}: build it for that path, as by --base=${base}`
  return [{ kind: 'warning', setting: 'frontend.static', message }]
}

/** An existing app whose pages are not there, or stay blank: a launch would end at nothing, without a word. */
async function judgeApp(
  { static: folder, fallback, contentSecurityPolicy }: Config['frontend'],
  { launchUrl, redirectUris }: FacadeClient,
  publicUrl: string,
): Promise<Finding[]> {
  if (folder === undefined || fallback !== undefined) return []
  const base = `${new URL(publicUrl).pathname.replace(/\/$/, '')}/`
  const places: [setting: string, address: string][] = [
    ['facade.launchUrl', launchUrl],
    ...redirectUris.map((uri, i): [string, string] => [`facade.redirectUris[${i}]`, uri]),
  ]
  const findings: Finding[] = []
  // Elsewhere another server has them.
  const own = places.filter(([, address]) => new URL(address, publicUrl).pathname.startsWith(base))
  for (const [setting, address] of own) {
    const path = decodeURIComponent(new URL(address, publicUrl).pathname.slice(base.length))
    const file = path === '' || path.endsWith('/') ? `${path}index.html` : path
    if (await isThere(join(folder, file))) continue
    findings.push({ kind: 'warning', setting, message: `${folder} has no ${file}` })
  }
  if (contentSecurityPolicy === undefined) {
    const message =
      'scripts inside a page do not run, as many such apps have them: existing-app lets them'
    findings.push({ kind: 'warning', setting: 'frontend.contentSecurityPolicy', message })
  }
  return findings
}

async function judgeVault(
  vault: Config['vault'],
  keyRing: Config['keyRing'] | undefined,
): Promise<Finding[]> {
  if (vault.kind === 'sqlite' && !(await isThere(vault.path)))
    return await judgeNewVault(vault.path)
  // Without its keys it cannot be opened.
  if (keyRing === undefined) return []
  try {
    const opened = await openVault({ vault, keyRing })
    const fault = await ask(opened.vault)
    await opened.vault.close()
    const message = 'the vault does not answer: a start would wait for it'
    return [
      ...opened.warnings.map(text => ({
        kind: 'warning' as const,
        setting: 'vault',
        message: text,
      })),
      ...(fault ? [{ kind: 'fault' as const, setting: 'vault', message }] : []),
    ]
  } catch (error) {
    const message = error instanceof VaultRefusal ? error.message : 'the vault cannot be opened'
    return [{ kind: 'fault', setting: 'vault', message }]
  }
}

async function judgeNewVault(path: string): Promise<Finding[]> {
  const setting = 'vault.path'
  const findings = await judgeFolder(setting, path)
  const folder = dirname(path)
  // One that is not there yet is made for this user alone.
  if (findings.length > 0 || !(await isThere(folder))) return findings
  try {
    checkFolder(folder)
    return []
  } catch (error) {
    const message = error instanceof VaultRefusal ? error.message : `${folder} is no folder`
    return [{ kind: 'fault', setting, message }]
  }
}

async function ask(vault: Vault): Promise<boolean> {
  const late = new Promise<boolean>(resolve => setTimeout(resolve, VAULT_DEADLINE_MS, true).unref())
  const asked = vault.ping().then(
    () => false,
    () => true,
  )
  return await Promise.race([asked, late])
}

/** A file that is not there yet is made at the start, where its folder, or one above, lets us. */
export async function judgeFolder(setting: string, path: string): Promise<Finding[]> {
  let folder = dirname(path)
  while (!(await isThere(folder)) && dirname(folder) !== folder) folder = dirname(folder)
  const message = `${path} cannot be made: ${folder} cannot be written`
  return (await isWritable(folder)) ? [] : [{ kind: 'fault', setting, message }]
}

async function isWritable(folder: string): Promise<boolean> {
  return await access(`${folder}/.`, constants.W_OK).then(
    () => true,
    () => false,
  )
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

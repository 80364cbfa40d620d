// What a start would meet besides its configuration: the vault with these keys, the frontend's folder, the
// addresses to listen on. Nothing is made, and nothing stays open.

import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { isAnotherSite } from '../../src/browser/sites.ts'
import { describeError } from '../../src/error-description.ts'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import type { Vault } from '../../src/vault/vault.ts'
import type { Config } from '../config/load.ts'
import { openVault } from '../embedded.ts'
import { describeListenFault } from './listen-fault.ts'

export interface Finding {
  /** `fault`: a start would fail, or serve nobody. `warning`: it would run, and somebody should know. */
  kind: 'fault' | 'warning'
  /** The setting it is about. */
  setting: string
  message: string
}

const VAULT_DEADLINE_MS = 5_000

/** Everything that is found, in the order of the settings. */
export async function judgeSurroundings(config: Config): Promise<Finding[]> {
  const { listen, admin } = config
  return [
    ...(await judgePort('listen', listen)),
    ...(admin ? await judgePort('admin', admin) : []),
    ...judgeOrigins(config),
    ...(await judgeFiles(config.frontend)),
    ...(await judgeVault(config)),
  ]
}

/** A login from there succeeds, and every session is then invalid, without a word. */
function judgeOrigins({ frontend, publicUrl }: Config): Finding[] {
  return frontend.origins
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
  return [{ kind, setting: `${setting}.port`, message: `${host}:${port}: ${message}` }]
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

async function judgeVault(config: Config): Promise<Finding[]> {
  const { vault } = config
  if (vault.kind === 'sqlite' && !(await isThere(vault.path)))
    return await judgeFolder('vault.path', vault.path)
  try {
    const opened = await openVault(config)
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
  const isWritable = await access(`${folder}/.`, constants.W_OK).then(
    () => true,
    () => false,
  )
  const message = `${path} cannot be made: ${folder} cannot be written`
  return isWritable ? [] : [{ kind: 'fault', setting, message }]
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

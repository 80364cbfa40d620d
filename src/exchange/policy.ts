// What an operator lets pass to an EHR besides what the EHR itself decides: methods, types, reading alone, and
// nothing that the granted scopes cannot hold. Off unless a registration says so; entries of a batch are judged
// as requests of their own. Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import { isBase, type Target } from '../proxy/target.ts'
import { isRecord } from '../smart/json.ts'
import { canHold, findInteraction, listResourceScopes } from '../smart/scope/interaction.ts'
import type { InteractionPolicy } from '../smart/types.ts'

/** What is asked of the EHR, by whom. */
export interface AskedInteraction {
  method: string
  target: Pick<Target, 'path'>
  /** Scopes that the EHR has granted. */
  grantedScope: string
}

/** Refuses with `interaction_refused` what the policy does not let pass. */
export function requireAllowed(asked: AskedInteraction, policy: InteractionPolicy): void {
  const { method, target } = asked
  // Its entries say what it does.
  if (method === 'POST' && isBase(target)) return
  const fault = findFault(asked, policy)
  if (fault !== undefined) throw new BrokerError('interaction_refused', { detail: fault })
}

/**
 * Refuses with `interaction_refused` a batch or transaction with an entry that would not pass alone, and
 * one that cannot be read here because it is no JSON. Entries name what they ask for below `base`, or
 * relative to it; they have been judged to do so.
 */
export function requireAllowedBatch(
  text: string | undefined,
  { grantedScope, base }: Pick<AskedInteraction, 'grantedScope'> & { base: string },
  policy: InteractionPolicy,
): void {
  for (const { method, url } of listEntries(text)) {
    const [address = ''] = url.split(/[?#]/, 1)
    const path = address.startsWith(base) ? address.slice(base.length) : address
    const target = { path: path.startsWith('/') ? path : `/${path}` }
    if (isBase(target) && method === 'POST') throw refused('a batch within a batch')
    const fault = findFault({ method, target, grantedScope }, policy)
    if (fault !== undefined) throw refused(`an entry: ${fault}`)
  }
}

function findFault(
  { method, target, grantedScope }: AskedInteraction,
  { methods, types, readOnly, enforceScopes }: InteractionPolicy,
): string | undefined {
  const interaction = findInteraction(method, target.path)
  if (interaction === undefined) return undefined
  const { permission, type } = interaction
  const isRead = method === 'GET' || method === 'HEAD' || permission === 's'
  if (readOnly && !isRead) return 'policy.readOnly'
  if (methods !== undefined && !methods.includes(method)) return 'policy.methods'
  if (types !== undefined && !types.includes(type)) return 'policy.types'
  if (enforceScopes && !canHold(listResourceScopes(grantedScope), interaction)) {
    return 'policy.enforceScopes'
  }
  return undefined
}

/** By their names in any case: readers differ in what they take for an entry. */
function listEntries(text: string | undefined): { method: string; url: string }[] {
  const bundle = text === undefined ? undefined : parse(text)
  if (!isRecord(bundle)) throw refused('a batch that is no JSON')
  return listMembers(bundle, 'entry')
    .flatMap(entries => entries as unknown[])
    .map(entry => {
      const [request, ...others] = isRecord(entry) ? listMembers(entry, 'request') : []
      const [methods, urls] = ['method', 'url'].map(name =>
        isRecord(request) ? listMembers(request, name) : [],
      )
      const [[method] = [], [url] = []] = [methods, urls]
      const isOne = others.length === 0 && methods?.length === 1 && urls?.length === 1
      if (!isOne || typeof method !== 'string' || typeof url !== 'string') {
        throw refused('an entry without one request')
      }
      return { method, url }
    })
}

function listMembers(object: Readonly<Record<string, unknown>>, name: string): unknown[] {
  return Object.keys(object).flatMap(key => (key.toLowerCase() === name ? [object[key]] : []))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refused(detail: string): BrokerError {
  return new BrokerError('interaction_refused', { detail })
}

// The way through an authorization: sign in, choose a patient, allow. Every step is the same address
// with more in its query; the last one makes a new grant and hangs the launch context on it.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Interaction } from 'oidc-provider'
import { type Answer, page, redirect } from '../http/answer.ts'
import { readBody } from '../http/body.ts'
import { notice } from '../pages/notice.ts'
import { accountPage, consentPage, patientPage } from '../pages/sign-in.ts'
import type { Directory } from '../patients/card.ts'
import { type Account, accounts, maySee } from './accounts.ts'
import { type Choice, resolveChoice } from './choice.ts'
import type { GrantContexts } from './grant-contexts.ts'
import type { LaunchContext } from './launch-context.ts'
import type { Launches } from './launches.ts'
import { endPreparation, readPreparation } from './prepared.ts'
import { asksForPatient } from './scopes.ts'

export interface InteractionOptions {
  provider: Provider
  launches: Launches
  contexts: GrantContexts
  directory: Directory
  styleUrl: string
}

interface Step extends Choice {
  interaction: Interaction
  scopes: readonly string[]
  app: string
  url: URL
}

const OVER =
  'Please begin again in the app. Should this page come again, this browser keeps no cookies here: allow them, or open the app in a tab of its own.'

/** Answers `/interaction/UID`, by a page or by going on. */
export function createInteraction(options: InteractionOptions) {
  return async (req: IncomingMessage, res: ServerResponse, url: URL): Promise<Answer> => {
    const step = await readStep(options, req, res, url)
    if (step === undefined) {
      return page(notice('This login is over', OVER), { status: 400 })
    }
    const next = unanswered(options.directory, step)
    if (next !== undefined) return next
    if (req.method === 'POST') {
      const form = new URLSearchParams(String((await readBody(req)) ?? ''))
      const granted = form.get('decision') === 'grant' ? form.getAll('scope') : []
      return await finish(options, step, granted)
    }
    if (step.auto === undefined) return page(askConsent(options.directory, step))
    return await finish(options, step, step.auto === 'grant' ? step.scopes : [])
  }
}

async function readStep(
  { provider, launches }: InteractionOptions,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
): Promise<Step | undefined> {
  const interaction = await provider.interactionDetails(req, res).catch(() => undefined)
  if (interaction === undefined) return undefined
  const { params, session } = interaction
  const client = await provider.Client.find(params.client_id ?? '')
  const launch = launches.find(params.launch)
  const prepared = readPreparation(req)
  const sources = { launch, query: url.searchParams, prepared, sessionAccount: session?.accountId }
  return {
    ...resolveChoice(sources),
    interaction,
    url,
    app: client?.clientName ?? 'An app',
    scopes: params.scope?.split(' ') ?? [],
  }
}

/** The page that asks for what is still missing. */
function unanswered(directory: Directory, { account, patient, ...step }: Step): Answer | undefined {
  const { app, scopes, url } = step
  const link = (name: string) => (value: string) => linkTo(url, name, value)
  if (account === undefined) return page(accountPage(accounts, { app, link: link('user') }))
  const visible = directory.cards().filter(({ id }) => maySee(account, id))
  if (!asksForPatient(scopes)) return undefined
  if (patient === undefined) {
    return page(patientPage(visible, { app, account, link: link('patient') }))
  }
  if (visible.some(({ id }) => id === patient)) return undefined
  return page(notice('No such patient', `${account.name} has no patient of this id.`), {
    status: 400,
  })
}

function askConsent(directory: Directory, step: Step): string {
  const { account, patient, app, scopes, url, interaction } = step
  return consentPage({
    app,
    account: account as Account,
    patient: asksForPatient(scopes) ? directory.card(patient ?? '') : undefined,
    scopes,
    action: `${url.pathname}${url.search}`,
    otherUser: interaction.params.launch === undefined ? linkTo(url, 'user', '') : undefined,
  })
}

function linkTo(url: URL, name: string, value: string): string {
  const next = new URL(url)
  next.searchParams.set(name, value)
  if (name === 'user') next.searchParams.delete('patient')
  return `${next.pathname}${next.search}`
}

async function finish(
  options: InteractionOptions,
  step: Step,
  granted: readonly string[],
): Promise<Answer> {
  const { interaction } = step
  const { id: accountId } = step.account as Account
  const cookies = [endPreparation]
  if (granted.length === 0) {
    interaction.result = { error: 'access_denied', error_description: 'the user said no' }
  } else {
    const consent = { grantId: await addGrant(options, step, granted) }
    interaction.result = { login: { accountId }, consent }
  }
  if (interaction.session !== undefined && interaction.session.accountId !== accountId) {
    // Somebody else sat down: this browser begins a session of their own.
    interaction.session = undefined
    cookies.push('_session=; Path=/; Max-Age=0')
  }
  await interaction.save(interaction.exp - Math.floor(Date.now() / 1000))
  return redirect(interaction.returnTo, { 'set-cookie': cookies })
}

async function addGrant(
  options: InteractionOptions,
  step: Step,
  granted: readonly string[],
): Promise<string> {
  const { params } = step.interaction
  const { id: accountId } = step.account as Account
  const grant = new options.provider.Grant({ accountId, clientId: params.client_id ?? '' })
  const base = params.resource ?? ''
  const denied = step.scopes.filter(scope => !granted.includes(scope)).join(' ')
  const allowed = step.scopes.filter(scope => granted.includes(scope)).join(' ')
  grant.addOIDCScope(allowed)
  grant.addResourceScope(base, allowed)
  grant.rejectOIDCScope(denied)
  grant.rejectResourceScope(base, denied)
  const grantId = await grant.save()
  options.contexts.set(grantId, buildContext(options, step), base)
  return grantId
}

function buildContext({ directory, launches, styleUrl }: InteractionOptions, step: Step) {
  const { interaction, scopes, patient, encounter } = step
  const launch = launches.find(interaction.params.launch)
  const context: LaunchContext = { needPatientBanner: true, smartStyleUrl: styleUrl }
  if (launch !== undefined) {
    const { user: _user, auto: _auto, ...told } = launch
    Object.assign(context, { tenant: 'sandbox' }, told)
  }
  if (!asksForPatient(scopes) || patient === undefined) return context
  const latest = scopes.includes('launch/encounter')
    ? directory.latestEncounter(patient)
    : undefined
  return { ...context, patient, encounter: encounter ?? latest }
}

// The part of oidc-provider 9 that the sandbox uses; the package brings no types.

declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Context {
    req: IncomingMessage
    res: ServerResponse
    status: number
    body: unknown
    query: Record<string, string | string[] | undefined>
    type: string
    oidc: {
      route: string
      params: Record<string, string | undefined>
      result?: { consent?: { grantId?: string } }
      client?: Client
      entities: {
        AccessToken?: AccessToken
        Grant?: Grant
        PushedAuthorizationRequest?: unknown
      }
      provider: Provider
    }
    set(headers: Record<string, string | string[]>): void
    set(name: string, value: string): void
    response: { get(name: string): string | undefined }
  }

  export interface Token {
    jti: string
    clientId: string
    accountId: string
    grantId: string
    scope: string
    scopes: Set<string>
    resource?: string | string[]
    sid?: string
  }

  export interface AccessToken extends Token {
    aud?: string
    extra?: Record<string, unknown>
  }

  export interface Grant {
    jti: string
    addOIDCScope(scope: string): void
    rejectOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    rejectResourceScope(resource: string, scope: string): void
    getResourceScope(resource: string): string
    save(): Promise<string>
  }

  export interface Interaction {
    uid: string
    exp: number
    returnTo: string
    params: Record<string, string | undefined>
    session?: { uid: string; accountId?: string }
    result?: unknown
    save(ttl: number): Promise<string>
  }

  export interface Session {
    accountId?: string
    sidFor(clientId: string): string | undefined
    destroy(): Promise<void>
    authorizations?: Record<string, { grantId?: string }>
  }

  export interface Client {
    clientId: string
    clientName?: string
    backchannelLogoutUri?: string
    backchannelLogout(accountId: string, sid: string | undefined): Promise<void>
  }

  interface Findable<T> {
    find(id: string): Promise<T | undefined>
  }

  export default class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>)
    readonly issuer: string
    AccessToken: Findable<AccessToken>
    RefreshToken: Findable<Token>
    Client: Findable<Client>
    Session: Findable<Session> & { findByUid(uid: string): Promise<Session | undefined> }
    Grant: (new (owner: { accountId: string; clientId: string }) => Grant) & Findable<Grant>
    interactionDetails(req: IncomingMessage, res: ServerResponse): Promise<Interaction>
    use(middleware: (ctx: Context, next: () => Promise<void>) => Promise<void>): this
    on(event: string, listener: (...values: never[]) => void): this
    callback(): (req: IncomingMessage, res: ServerResponse) => Promise<void>
  }

  class OAuthError extends Error {
    constructor(description?: string)
  }

  export const errors: Record<
    'InvalidRequest' | 'InvalidScope' | 'InvalidTarget' | 'InvalidClientAuth',
    typeof OAuthError
  > & { CustomOIDCProviderError: new (code: string, description?: string) => Error }
}

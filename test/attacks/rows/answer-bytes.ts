// Answers whose bytes are hostile: no HTTP, too few, too many, never the last, coded as something else.

import { gzipSync } from 'node:zlib'
import { type Manner, pour, raw, text } from '../ehr/answer.ts'
import type { Row } from '../row.ts'
import { makePath, readAs } from './answering.ts'
import { describe, isRefused, logIn, pause, readFhir } from './reading.ts'

export const answerByteRows: readonly Row[] = [
  {
    id: 'R10',
    also: ['PS3'],
    what: 'answers that break HTTP',
    async attack(scene) {
      const login = await logIn(scene)
      const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n'
      const answers: Record<string, string> = {
        'length and chunks': `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        'two lengths': `${head}Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}`,
        'a control in a value': `${head}X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}`,
        'no HTTP': 'hello\r\n\r\n',
        '101 unasked':
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
        'status 999': 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n',
        'a status in letters': 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n',
        'interim answers alone': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_000),
        'a head of 1 MiB': `${head}X-A: ${'x'.repeat(1024 * 1024)}\r\n\r\n`,
        nothing: '',
      }
      for (const [name, bytes] of Object.entries(answers)) {
        const reply = await readAs(scene, login, raw(bytes))
        scene.hold(reply.status === 502 || reply.status === 504, `${name}: ${describe(reply)}`)
      }
    },
  },
  {
    id: 'R11',
    what: 'an answer that ends in the middle',
    async attack(scene) {
      const login = await logIn(scene)
      const piece = `{"resourceType":"Bundle","x":"${'x'.repeat(400_000)}`
      const reply = await readAs(
        scene,
        login,
        raw(
          `HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 900000\r\n\r\n${piece}`,
        ),
      )
      const isBroken = reply.status === 502 || !reply.isWhole
      scene.hold(isBroken, `${describe(reply)}, and it looks whole`)
      scene.hold(
        reply.status !== 200 || !reply.text.includes('OperationOutcome'),
        'a refusal stands behind the bytes',
      )
    },
  },
  {
    id: 'R12',
    what: 'an answer that nobody asked for, on a connection that waits',
    async attack(scene) {
      const [one, two] = [await logIn(scene), await logIn(scene)]
      const body = '{"resourceType":"Basic","id":"poisoned"}'
      const head = (text: string) =>
        `HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
      for (let i = 0; i < 5; i++) {
        await readAs(scene, one, raw(head('{}') + head(body), true))
        const next = await readFhir(scene, two, `/Patient/${two.grant.patient}`)
        scene.hold(!next.text.includes('poisoned'), 'the next user is given it')
      }
    },
  },
  {
    id: 'R13',
    what: 'an answer that stands still in the middle',
    isSlow: true,
    async attack(scene) {
      const login = await logIn(scene)
      const own = makePath()
      login.ehr.fhir.set(own, (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/fhir+json' })
        response.write('{"resourceType":"Basic",')
      })
      const reply = await readFhir(scene, login, own, { withinMs: 90_000 })
      scene.hold(
        [502, 504].includes(reply.status) || (reply.status === 200 && !reply.isWhole),
        describe(reply),
      )
      scene.hold(reply.raw !== '', 'nothing came within 90 s')
    },
  },
  {
    id: 'R14',
    what: 'an answer of 64 MiB to somebody who leaves',
    async attack(scene) {
      const login = await logIn(scene)
      login.ehr.fhir.set('/Binary/endless', pour('x', 'application/pdf'))
      const reply = await readFhir(scene, login, '/Binary/endless', { withinMs: 300 })
      scene.hold(reply.status !== 500, describe(reply))
      await pause(300)
      scene.hold(
        (await readFhir(scene, login, '/Basic/x')).status === 200,
        'nobody is served any more',
      )
    },
  },
  {
    id: 'R15',
    what: 'bombs: gzip of 50 MB, a chain of a hundred codings, another coding than said',
    async attack(scene) {
      const login = await logIn(scene)
      const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, 32))
      const coded = (coding: string, body: Uint8Array) =>
        text(body, 'application/fhir+json', 200, { 'content-encoding': coding })
      const manners: [string, Manner][] = [
        ['gzip', coded('gzip', bomb)],
        ['a hundred times', coded(Array(100).fill('gzip').join(', '), bomb)],
        ['no gzip', coded('gzip', Buffer.from('{}'))],
        ['unknown', coded('evil', Buffer.from('{}'))],
      ]
      for (const [name, manner] of manners) {
        const reply = await readAs(scene, login, manner)
        scene.hold(reply.status === 200 || isRefused(reply), `${name}: ${describe(reply)}`)
        scene.hold(
          (await readFhir(scene, login, '/Basic/x')).status === 200,
          `${name}: nobody is served any more`,
        )
      }
    },
  },
  {
    id: 'R18',
    what: 'bodies where none may be, and what follows on the connection',
    async attack(scene) {
      const login = await logIn(scene)
      const smuggled = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled'
      for (const status of ['204 No Content', '304 Not Modified']) {
        const reply = await readAs(
          scene,
          login,
          raw(`HTTP/1.1 ${status}\r\nContent-Length: 8\r\n\r\n${smuggled}`, true),
        )
        scene.hold(!reply.text.includes('smuggled'), `${status} has a body`)
        const next = await readFhir(scene, login, '/Basic/x')
        scene.hold(
          !next.text.includes('smuggled') && next.status !== 500,
          `after ${status}: ${describe(next)}`,
        )
      }
    },
  },
]

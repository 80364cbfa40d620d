// The proxy’s request side: where a request ends, and what becomes of those that never do.

import { headerOf } from '../outsider.ts'
import type { Row } from '../row.ts'
import { describe, each, headOf, logIn, pause, readFhir } from './reading.ts'

const json = 'Content-Type: application/fhir+json'
const basic = '{"resourceType":"Basic"}'

export const framingRows: readonly Row[] = [
  {
    id: 'P15',
    what: 'framing that two readers read differently',
    async attack(scene) {
      const login = await logIn(scene)
      const smuggled = headOf(scene, login, 'GET /Basic/smuggled', '\r\n')
      const broken = scene.ehrs.broken.length
      const framings: [string, string][] = [
        [
          'length and chunks',
          `Content-Length: ${5 + smuggled.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
        ],
        ['chunks of another name', `Transfer-Encoding: xchunked\r\n\r\n${smuggled}`],
        ['chunks and identity', `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`],
        [
          'chunks twice',
          `Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n${smuggled}`,
        ],
        [
          'two lengths',
          `Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
        ],
        ['a length with a sign', `Content-Length: +${basic.length}\r\n\r\n${basic}`],
        [
          'a space before the colon',
          `Content-Length : 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
        ],
        ['a bare line feed', `X-A: b\nContent-Length: 0\r\n\r\n${smuggled}`],
        ['a folded line', `X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`],
        [
          'a line feed in a chunk',
          `Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n${smuggled}`,
        ],
        ['a chunk without a size', `Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n${smuggled}`],
        ['a control in a value', `X-A: a\0b\r\nContent-Length: 0\r\n\r\n`],
      ]
      for (const [name, more] of framings) {
        const before = login.ehr.heard.length
        const line = await scene.outsider.open()
        line.send(headOf(scene, login, 'POST /Basic', `${json}\r\n${more}`))
        const replies = await line.replies(2, 3_000)
        line.end()
        scene.hold(
          !replies.some(({ status }) => status >= 200 && status < 300),
          `${name}: ${replies.map(describe).join(', ')}`,
        )
        const heard = login.ehr.heard.slice(before).map(({ path }) => path)
        scene.hold(
          !heard.some(path => path.includes('smuggled')),
          `${name}: a request of its own reached the EHR`,
        )
      }
      const odd = scene.ehrs.broken.slice(broken)
      scene.hold(odd.length === 0, `the EHR reads ${odd[0]}`)
    },
  },
  {
    id: 'P16',
    what: 'a read with a body',
    async attack(scene) {
      const login = await logIn(scene)
      for (const method of ['GET', 'HEAD']) {
        const reply = await readFhir(scene, login, '/Basic/bodied', { method, body: basic })
        scene.hold(reply.status !== 500, `${method}: ${describe(reply)}`)
      }
      const heard = login.ehr.heard.filter(({ path }) => path === '/Basic/bodied')
      scene.hold(
        heard.every(({ body }) => body === ''),
        'the EHR is sent the body',
      )
    },
  },
  {
    id: 'P17',
    what: 'a body beyond the limit, announced and in chunks',
    async attack(scene) {
      const login = await logIn(scene)
      const before = login.ehr.count('fhir')
      const announced = await scene.outsider.exchange(
        headOf(scene, login, 'POST /Basic', `${json}\r\nContent-Length: 99999999999\r\n\r\n{`),
        10_000,
      )
      scene.hold([400, 413].includes(announced.status), `announced: ${describe(announced)}`)
      const form = 'Content-Type: application/x-www-form-urlencoded'
      const line = await scene.outsider.open()
      line.send(
        headOf(
          scene,
          login,
          'POST /Basic/_search',
          `${form}\r\nTransfer-Encoding: chunked\r\n\r\n`,
        ),
      )
      const chunk = `10000\r\n${'a=b&'.repeat(16_384)}\r\n`
      for (let i = 0; i < 64; i++) line.send(chunk)
      const [reply] = await line.replies(1, 10_000)
      line.end()
      scene.hold(reply?.status === 413, `a form of 4 MiB in chunks: ${reply && describe(reply)}`)
      scene.hold(login.ehr.count('fhir') === before, 'the EHR was asked')
    },
  },
  {
    id: 'P18',
    what: 'a body at one byte every two seconds',
    isSlow: true,
    async attack(scene) {
      const login = await logIn(scene)
      const line = await scene.outsider.open()
      line.send(headOf(scene, login, 'POST /Basic', `${json}\r\nContent-Length: 1000\r\n\r\n{`))
      const timer = setInterval(() => line.send(' '), 2_000)
      const [reply] = await line.replies(1, 150_000)
      clearInterval(timer)
      line.end()
      scene.hold(reply?.status === 408, reply ? describe(reply) : 'no answer')
    },
  },
  {
    id: 'P19',
    also: ['DS9'],
    what: 'a hundred callers who leave in the middle',
    async attack(scene) {
      const login = await logIn(scene)
      login.ehr.fhir.set('/Binary/long', (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/pdf' })
        const timer = setInterval(() => response.write('x'.repeat(1024)), 20)
        response.on('close', () => clearInterval(timer))
      })
      await each(
        Array.from({ length: 100 }, (_, i) => i),
        async i => {
          const line = await scene.outsider.open()
          if (i % 2 === 0) line.send(headOf(scene, login, 'GET /Binary/long', '\r\n'))
          else
            line.send(
              headOf(
                scene,
                login,
                'POST /Binary',
                `Content-Type: application/pdf\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(1_000)}`,
              ),
            )
          await pause(5 + (i % 7) * 5)
          line.end()
        },
        10,
      )
      const reply = await readFhir(scene, login, '/Basic/x')
      scene.hold(reply.status === 200, `afterwards: ${describe(reply)}`)
      scene.hold(headerOf(reply, 'content-type').includes('json'), 'afterwards another answer')
    },
  },
  {
    id: 'P21',
    what: 'fifty requests at once on one connection, of two sessions',
    async attack(scene) {
      const [one, two] = [await logIn(scene), await logIn(scene)]
      const all = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? one : two))
      const line = await scene.outsider.open()
      line.send(
        all
          .map(login => headOf(scene, login, `GET /Patient/${login.grant.patient}`, '\r\n'))
          .join(''),
      )
      const replies = await line.replies(all.length, 15_000)
      line.end()
      for (const [i, reply] of replies.entries()) {
        const other = all[i] === one ? two : one
        scene.hold(!reply.text.includes(other.grant.patient), `answer ${i} shows the other patient`)
        const isOwn = reply.text.includes(all[i]?.grant.patient ?? '')
        scene.hold(reply.status !== 200 || isOwn, `answer ${i} is another's`)
      }
      scene.hold(
        replies[0]?.status === 200,
        describe(replies[0] ?? ({ status: 0, headers: new Map() } as never)),
      )
    },
  },
  {
    id: 'P29',
    what: 'three hundred requests that no client library would send, then a good one',
    async attack(scene) {
      const login = await logIn(scene)
      const odd = ['/Basic/a b', '/Basic/\x7f', '/Basic/x?\x00', '/Basic/x?a=%0a']
      await each(
        Array.from({ length: 300 }, (_, i) => odd[i % odd.length] as string),
        async path => {
          await readFhir(scene, login, path, {
            headers: { 'If-Match': 'W/"\x01"', Prefer: 'a\x7f' },
          })
        },
        16,
      )
      const reply = await readFhir(scene, login, '/Basic/x')
      scene.hold(reply.status === 200, `the good one: ${describe(reply)}`)
    },
  },
]

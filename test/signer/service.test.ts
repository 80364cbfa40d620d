// A service that signs, over loopback and over a unix socket.

import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { signByService } from '../../src/signer/service.ts'
import { createSigner } from '../../src/signer/signer.ts'
import { listen, listenRaw } from '../network/listen.ts'
import { removeFolder } from '../world/folder.ts'

const key = { kid: 'one', alg: 'RS384' } as const
const input = Buffer.from('to sign')

/** Says back what it was sent. */
const echo: RequestListener = async (request, response) => {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  const { 'fhirstorm-kid': kid, 'fhirstorm-alg': alg, cookie, authorization } = request.headers
  response.end(
    [request.method, request.url, kid, alg, cookie, authorization, Buffer.concat(pieces)].join(' '),
  )
}
const said = 'POST /sign one RS384   to sign'

const ask = (
  url: string,
  { socket, deadlineMs = 60_000 }: { socket?: string; deadlineMs?: number } = {},
) => createSigner(signByService({ url, socket }), { deadlineMs })(input, key)

async function refuses(
  t: TestContext,
  handler: RequestListener,
  detail: string,
  deadlineMs?: number,
) {
  const { origin } = await listen(t, handler)
  await assert.rejects(ask(`${origin}/sign`, { deadlineMs }), {
    code: 'signer_unavailable',
    detail,
  })
}

test('[SG1] it is sent the bytes, the key and the algorithm, and nothing else of ours', async t => {
  const { origin } = await listen(t, echo)
  assert.equal(Buffer.from(await ask(`${origin}/sign`)).toString(), said)
})

test('[SG1] over a unix socket the URL says the path alone', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-signer-'))
  const socket = join(folder, 'signer.sock')
  const server = createServer(echo)
  await new Promise<void>(resolve => server.listen(socket, resolve))
  t.after(() => {
    server.close()
    removeFolder(folder)
  })
  assert.equal(Buffer.from(await ask('http://signer/sign', { socket })).toString(), said)
})

test('[SG1] what is no answer, another status, too much or too late is refused', async t => {
  await assert.rejects(ask('http://127.0.0.1:1/sign'), { detail: 'the signer cannot be reached' })
  await refuses(t, (_request, response) => response.writeHead(500).end(), 'the signer answered 500')
  const elsewhere = (_request: unknown, response: Parameters<RequestListener>[1]) =>
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
  await refuses(t, elsewhere, 'the signer answered 302')
  const endless: RequestListener = (_request, response) => {
    const timer = setInterval(() => response.write('a'.repeat(1024)), 1)
    response.on('close', () => clearInterval(timer))
  }
  await refuses(t, endless, 'the signer answered with too much')
  await refuses(t, () => {}, 'the signer did not answer in time', 100)
  await refuses(
    t,
    (_request, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('abc')
      setImmediate(() => response.destroy())
    },
    'the signer broke off',
  )
  const { origin } = await listenRaw(t, socket => socket.end('no HTTP at all\r\n\r\n'))
  await assert.rejects(ask(`${origin}/sign`), { detail: 'the signer cannot be reached' })
})

// What is taken away before a socket is opened: the socket of a process that was killed, and nothing else.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { request as ask } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { removeStale } from '../../program/socket-file.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { createBroker } from '../world/broker.ts'
import { adopt, end } from '../world/children.ts'
import { makeTestFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'

test('[VE5] the socket of a process that was killed is removed, and that of one that listens stays', async t => {
  const path = join(makeTestFolder(t), 'internal.sock')
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`
  const child = adopt(
    spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  await once(child.stdout, 'data')
  await removeStale(path)
  assert.ok(lstatSync(path).isSocket())
  await end(child, 'SIGKILL')
  assert.ok(lstatSync(path).isSocket())
  await removeStale(path)
  assert.throws(() => lstatSync(path), { code: 'ENOENT' })
  const server = createServer()
  t.after(() => server.close())
  await once(server.listen(path), 'listening')
})

test('[VE5] a path that names a file, a folder, a link or nothing is left as it is', async t => {
  const folder = makeTestFolder(t)
  const file = join(folder, 'keys.json')
  writeFileSync(file, 'keys')
  mkdirSync(join(folder, 'folder'))
  symlinkSync(file, join(folder, 'link'))
  for (const name of ['keys.json', 'folder', 'link', 'nothing'])
    await removeStale(join(folder, name))
  const [fault] = await once(createServer().listen(file), 'error').then(
    told => told,
    error => [error],
  )
  assert.equal((fault as NodeJS.ErrnoException).code, 'EADDRINUSE')
  assert.equal(readFileSync(join(folder, 'link'), 'utf8'), 'keys')
  assert.ok(lstatSync(join(folder, 'folder')).isDirectory())
})

test('[VE5] a broker that was killed answers at its socket again, for its user and group alone', async t => {
  const socketPath = join(makeTestFolder(t), 'internal.sock')
  const app = `http://localhost:${await findPort()}`
  const sandbox = await startSandbox({ port: 0, appUrl: app })
  const broker = createBroker({
    ...{ app, sandbox: sandbox.url },
    configure(document) {
      document.internal = { socket: socketPath }
    },
  })
  t.after(async () => {
    await broker.close()
    await sandbox.close()
  })
  const verify = () =>
    new Promise<number | undefined>((done, fail) => {
      const headers = { 'x-original-method': 'GET', connection: 'close' }
      const asked = ask({ socketPath, path: '/verify', headers }, response => {
        response.resume().on('end', () => done(response.statusCode))
      })
      asked.on('error', fail).end()
    })
  for (const leave of [broker.kill, broker.stop]) {
    await broker.start()
    assert.equal(await verify(), 401)
    assert.equal(lstatSync(socketPath).mode & 0o777, 0o660)
    await leave()
    await assert.rejects(verify())
  }
  await broker.start()
  assert.equal(await verify(), 401)
})

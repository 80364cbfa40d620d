// Headless Firefox, driven by WebDriver BiDi (W3C) over its own WebSocket: no driver program is needed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Engine, Tab } from './engine.ts'
import { removeFolder } from './folder.ts'
import { hasPrograms } from './program.ts'

const PROGRAM = '/usr/bin/firefox-esr'
/** Longest wait for one command, in milliseconds: a browser that hangs fails its test. */
const COMMAND_MS = 60_000

// Nothing is asked of Mozilla's servers.
const preferences = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'captivedetect.canonicalURL': '',
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.server': 'data:,',
}

/** True when Firefox is there. */
export function hasFirefox(): boolean {
  return hasPrograms({ path: PROGRAM, debian: 'firefox-esr' })
}

/** A browser with a profile of its own, gone with it. */
export async function launchFirefox(): Promise<Engine> {
  const profile = await mkdtemp(join(tmpdir(), 'fhirstorm-firefox-'))
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  )
  await writeFile(join(profile, 'user.js'), lines.join('\n'))
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0']
  const program = spawn(PROGRAM, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(program, 'exit')
  const end = async () => {
    program.kill('SIGKILL')
    await exited
    removeFolder(profile)
  }
  try {
    const send = await connect(`${await readAddress(program.stderr)}/session`)
    await send('session.new', { capabilities: {} })
    return { name: 'Firefox', open: () => openTab(send), close: end }
  } catch (error) {
    await end()
    throw error
  }
}

async function readAddress(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const address = /WebDriver BiDi listening on (ws:\S+)/.exec(line)?.[1]
    if (address !== undefined) {
      output.resume()
      return address
    }
  }
  throw new Error('Firefox ended before it listened')
}

// biome-ignore lint/suspicious/noExplicitAny: results of a protocol with many shapes
type Send = (method: string, params: object) => Promise<any>

interface Pending {
  resolve(result: unknown): void
  reject(error: Error): void
}

async function connect(url: string): Promise<Send> {
  const socket = new WebSocket(url)
  const pending = new Map<number, Pending>()
  let count = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, type, result, error, message } = JSON.parse(String(data))
    if (type === 'success') pending.get(id)?.resolve(result)
    if (type === 'error') pending.get(id)?.reject(new Error(`${error}: ${message}`))
    pending.delete(id)
  })
  socket.addEventListener('close', () => {
    for (const { reject } of pending.values()) reject(new Error('Firefox is gone'))
  })
  await once(socket, 'open')
  return (method, params) =>
    new Promise((resolve, reject) => {
      // A socket that is closed takes what is sent to it without a word.
      if (socket.readyState !== WebSocket.OPEN) throw new Error('Firefox is gone')
      const late = setTimeout(() => reject(new Error(`no answer to ${method}`)), COMMAND_MS)
      late.unref()
      count++
      pending.set(count, { resolve, reject })
      socket.send(JSON.stringify({ id: count, method, params }))
    })
}

async function openTab(send: Send): Promise<Tab> {
  const { context } = await send('browsingContext.create', { type: 'tab' })
  const target = { context }
  const frame = async () => {
    const { contexts } = await send('browsingContext.getTree', { root: context })
    const [first] = contexts[0].children
    if (first === undefined) throw new Error('no frame is in the page')
    return { context: first.context }
  }

  return {
    async goto(url) {
      await send('browsingContext.navigate', { context, url, wait: 'complete' })
    },
    evaluate: expression => evaluate(send, target, expression),
    evaluateInFrame: async expression => await evaluate(send, await frame(), expression),
    async click(selector) {
      const { nodes } = await send('browsingContext.locateNodes', {
        context,
        locator: { type: 'css', value: selector },
        maxNodeCount: 1,
      })
      const [element] = nodes
      if (element === undefined) throw new Error(`no element is ${selector}`)
      await send('script.callFunction', {
        target,
        functionDeclaration: 'element => element.scrollIntoView({ block: "center" })',
        arguments: [{ sharedId: element.sharedId }],
        awaitPromise: false,
      })
      const origin = { type: 'element', element: { sharedId: element.sharedId } }
      const actions = [
        { type: 'pointerMove', x: 0, y: 0, origin },
        { type: 'pointerDown', button: 0 },
        { type: 'pointerUp', button: 0 },
      ]
      await send('input.performActions', {
        context,
        actions: [{ type: 'pointer', id: 'mouse', actions }],
      })
    },
    async screenshot() {
      const { data } = await send('browsingContext.captureScreenshot', { context })
      return Buffer.from(data, 'base64')
    },
    async close() {
      await send('browsingContext.close', { context })
    },
  }
}

async function evaluate<T>(send: Send, target: object, expression: string): Promise<T> {
  // As JSON text, because BiDi describes values in a form of its own.
  const answer = await send('script.evaluate', {
    target,
    expression: `(async () => JSON.stringify((await (${expression})) ?? null))()`,
    awaitPromise: true,
  })
  if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text)
  return JSON.parse(answer.result.value)
}

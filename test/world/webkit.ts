// WebKitGTK's MiniBrowser (Safari's engine), driven by WebDriver (W3C) on a screen that nobody sees.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Engine, Tab } from './engine.ts'
import { findPort } from './port.ts'
import { hasPrograms } from './program.ts'

const DRIVER = '/usr/bin/WebKitWebDriver'
const SCREEN = '/usr/bin/Xvfb'
/** Longest wait for one command, in milliseconds: a browser that hangs fails its test. */
const COMMAND_MS = 60_000
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'

/** True when WebKit, its driver and the screen are there. */
export function hasWebKit(): boolean {
  return hasPrograms(
    { path: DRIVER, debian: 'webkit2gtk-driver' },
    { path: SCREEN, debian: 'xvfb' },
  )
}

/** A browser with nothing of an earlier one. */
export async function launchWebKit(): Promise<Engine> {
  const programs: ChildProcess[] = []
  const end = async () => {
    for (const program of programs.toReversed()) await stop(program)
  }
  try {
    const screen = spawn(SCREEN, ['-displayfd', '3', '-screen', '0', '1400x1000x24'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    programs.push(screen)
    const [display] = await once(createInterface({ input: screen.stdio[3] as never }), 'line')
    const port = await findPort()
    const env = { ...process.env, DISPLAY: `:${display}` }
    programs.push(spawn(DRIVER, ['--host=127.0.0.1', `--port=${port}`], { env, stdio: 'ignore' }))
    const session = await begin(`http://127.0.0.1:${port}`)
    return {
      name: 'WebKit',
      open: session.open,
      async close() {
        await session.end().catch(() => undefined)
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

async function stop(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return
  const exited = once(program, 'exit')
  program.kill('SIGTERM')
  await exited
}

async function begin(driver: string) {
  await untilReady(driver)
  const { sessionId } = await call(`${driver}/session`, 'POST', {
    capabilities: { alwaysMatch: {} },
  })
  const base = `${driver}/session/${sessionId}`
  const home: string = await call(`${base}/window`, 'GET')
  let last: Promise<unknown> = Promise.resolve()

  // WebDriver talks to one window at a time: each command first says to which.
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work)
    last = turn.catch(() => undefined)
    return turn
  }

  // The window that the session begins with stays empty: to close the last one would end the session.
  async function open(): Promise<Tab> {
    const { handle } = await inTurn(async () => {
      await call(`${base}/window`, 'POST', { handle: home })
      // Of several tabs in one window all but the first are hidden, the one in front too.
      return await call(`${base}/window/new`, 'POST', { type: 'window' })
    })
    const ask = (path: string, method: string, body?: object, isInFrame = false) =>
      inTurn(async () => {
        await call(`${base}/window`, 'POST', { handle })
        // Until the next choice of a window.
        if (isInFrame) await call(`${base}/frame`, 'POST', { id: 0 })
        return await call(`${base}/${path}`, method, body)
      })
    const evaluate = async (expression: string, isInFrame: boolean) => {
      const script = `const done = arguments[0];
        (async () => (${expression}))().then(value => done({ value }), error => done({ error: String(error) }))`
      const asked = { script, args: [] }
      const { value, error } = await ask('execute/async', 'POST', asked, isInFrame)
      if (error !== undefined) throw new Error(error)
      return value
    }
    return {
      async goto(url) {
        await ask('url', 'POST', { url })
      },
      evaluate: expression => evaluate(expression, false),
      evaluateInFrame: expression => evaluate(expression, true),
      async click(selector) {
        const found = await ask('element', 'POST', { using: 'css selector', value: selector })
        await ask(`element/${found[ELEMENT]}/click`, 'POST', {})
      },
      async screenshot() {
        return Buffer.from(await ask('screenshot', 'GET'), 'base64')
      },
      async close() {
        await ask('window', 'DELETE')
      },
    }
  }

  return { open, end: () => inTurn(() => call(base, 'DELETE')) }
}

async function untilReady(driver: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const status = await call(`${driver}/status`, 'GET').catch(() => undefined)
    if (status?.ready) return
    await new Promise(done => setTimeout(done, 50))
  }
  throw new Error('WebKitWebDriver does not answer')
}

// biome-ignore lint/suspicious/noExplicitAny: results of a protocol with many shapes
async function call(url: string, method: string, body?: object): Promise<any> {
  const answer = await fetch(url, {
    method,
    signal: AbortSignal.timeout(COMMAND_MS),
    ...(method === 'POST' && { body: JSON.stringify(body) }),
  })
  const { value } = (await answer.json()) as { value: { error?: string; message?: string } }
  if (!answer.ok) throw new Error(`${value.error}: ${value.message}`)
  return value
}

// Processes under measurement: started on a core of their own, with what the operating system knows of
// their CPU time and memory. Linux only: everything comes from /proc.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { cpus } from 'node:os'

export interface Running {
  pid: number
  stop(): Promise<void>
}

export interface Starting {
  command: string
  args: string[]
  env?: Record<string, string>
  /** Waits until this port of 127.0.0.1 answers. */
  port: number
  core: number
  /** Where its output goes: thrown away unless asked for. */
  verbose?: boolean
}

const TICKS_PER_SECOND = 100
const START_TIMEOUT_MS = 20_000

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
}

/** Starts a process, pinned to a core where the machine has several, and waits for its port. */
export async function startProcess(starting: Starting): Promise<Running> {
  const { command, args, env, port, core, verbose } = starting
  if (await isListening(port)) throw new Error(`port ${port} is in use, perhaps by a run cut short`)
  const isPinned = cpus().length > 1 && isInstalled('taskset')
  const [file, ...rest] = isPinned
    ? ['taskset', '-c', String(core), command, ...args]
    : [command, ...args]
  const child = spawn(file as string, rest, {
    env: { ...process.env, ...env },
    stdio: ['ignore', verbose ? 'inherit' : 'ignore', verbose ? 'inherit' : 'ignore'],
  })
  await untilListening(child, port)
  return {
    pid: child.pid as number,
    async stop() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
        await ended
        clearTimeout(timer)
      }
    },
  }
}

/** Pins this process, which makes the load, away from what it measures. */
export function pinSelf(core: number): void {
  if (cpus().length > 1 && isInstalled('taskset')) {
    spawnSync('taskset', ['-acp', String(core), String(process.pid)])
  }
}

/** CPU seconds that a process and its living children have taken so far. */
export function cpuSeconds(pid: number): number {
  const ticks = listTree(pid).map(one => {
    // Fields 14 and 15, counted from behind the command, which may hold anything.
    const fields = readStat(one).split(' ')
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  })
  return ticks.reduce((sum, count) => sum + count, 0) / TICKS_PER_SECOND
}

/** CPU of the same in microseconds, as finely as the kernel counts it; of no child that has ended. */
export function cpuMicros(pid: number): number {
  const threads = listTree(pid).flatMap(one =>
    listThreads(one).map(thread => `${one}/task/${thread}`),
  )
  const nanoseconds = threads.map(thread => Number(read(`/proc/${thread}/schedstat`).split(' ')[0]))
  return nanoseconds.reduce((sum, count) => sum + count, 0) / 1e3
}

/** Resident memory of a process and its children in MiB; shared pages count once each. */
export function residentMiB(pid: number): number {
  const kilobytes = listTree(pid).map(one => {
    const text = read(`/proc/${one}/status`)
    return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0)
  })
  return kilobytes.reduce((sum, count) => sum + count, 0) / 1024
}

function listTree(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (Number.isInteger(pid)) parents.set(pid, Number(readStat(pid).split(' ')[1] ?? 0))
  }
  const tree = [root]
  for (const pid of tree) {
    for (const [child, parent] of parents) if (parent === pid) tree.push(child)
  }
  return tree
}

function listThreads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** `/proc/PID/stat` from the state on. */
function readStat(pid: number): string {
  const text = read(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended at its start`)
    if (await isListening(port)) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  child.kill('SIGKILL')
  throw new Error(`${child.spawnargs.join(' ')} does not listen on ${port}`)
}

function isListening(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

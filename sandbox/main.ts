// Runs the sandbox EHR by itself: `npm run sandbox`; `-- --help` says what can be chosen.

import { parseCommandLine, UsageError, usage } from './command-line.ts'
import { startSandbox } from './sandbox.ts'

try {
  const options = parseCommandLine(process.argv.slice(2), process.env)
  if (options === undefined) process.stdout.write(usage)
  else {
    const sandbox = await startSandbox(options)
    const words = 'open it for patients, clients and recipes'
    process.stdout.write(
      `Sandbox EHR at ${sandbox.url} for the app at ${options.appUrl}: ${words}\n`,
    )
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => void sandbox.close())
    }
  }
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
}

function explain(error: unknown): string {
  const { code, address, port } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  if (code === 'EADDRINUSE') return `Port ${port} of ${address} is busy: choose another with --port`
  if (code === 'EACCES') return `Port ${port} is not allowed here: choose another with --port`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `--host is no address of this machine`
  if (error instanceof UsageError) return `${error.message}; --help says what can be chosen`
  throw error
}

// A project of somebody else: empty but for what npm installs into it, with a Node of its own.

import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { adopt, end } from '../world/children.ts'

export interface Node {
  version: string
  /** Path of the program. */
  path: string
}

export interface Project {
  folder: string
  write(name: string, text: string): void
  /** npm and the commands of packages, by the project's Node; what they print. */
  run(command: string, ...words: string[]): string
  /** Starts a module and waits until the address answers; ends it with what it gives. */
  start(module: string, url: string, env?: Record<string, string>): Promise<() => Promise<void>>
}

const START_MS = 60_000
const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))

/** The Node that runs this, and Node 24 where npm has it for this machine. */
export function findNodes(folder: string): readonly Node[] {
  const ours = { version: process.version, path: process.execPath }
  const name = `node-linux-${process.arch}`
  const older = join(folder, 'node-24')
  mkdirSync(older)
  writeFileSync(join(older, 'package.json'), '{"private":true}')
  try {
    const words = ['install', '--prefer-offline', '--no-audit', '--ignore-scripts', `${name}@24`]
    execFileSync('npm', words, { cwd: older, stdio: 'pipe' })
    const path = join(older, 'node_modules', name, 'bin', 'node')
    const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim()
    return [{ version, path }, ours]
  } catch (error) {
    const message = `npm has no ${name}@24 for the package's tests`
    if (process.env.CI) throw new Error(message, { cause: error })
    console.error(`\n*** ${message}; they run on ${ours.version} alone ***\n`)
    return [ours]
  }
}

/** A project with nothing in it but the package, Fastify and what compiles TypeScript. */
export function createProject(parent: string, node: Node, spec: string): Project {
  const folder = mkdtempSync(join(parent, 'project-'))
  const bin = mkdtempSync(join(parent, 'bin-'))
  // As a user's PATH has it: their Node, then the system's commands; nothing of this checkout.
  execFileSync('ln', ['-s', node.path, join(bin, 'node')])
  const system = (process.env.PATH ?? '')
    .split(delimiter)
    .filter(path => !/node_modules/.test(path))
  const local = join(folder, 'node_modules', '.bin')
  const env = { ...process.env, PATH: [local, bin, ...system].join(delimiter) }
  const project: Project = {
    folder,
    write: (name, text) => writeFileSync(join(folder, name), text, { mode: 0o600 }),
    run: (command, ...words) =>
      execFileSync(command, words, { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' }),
    async start(module, url, more = {}) {
      const words = [join(folder, module)]
      const options = { cwd: folder, env: { ...env, ...more }, stdio: 'pipe' as const }
      const child = adopt(spawn(node.path, words, options))
      const output: string[] = []
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', chunk => output.push(String(chunk)))
      }
      for (const until = Date.now() + START_MS; Date.now() < until; ) {
        if (child.exitCode !== null) throw new Error(`${module} ended: ${output.join('')}`)
        const answer = await fetch(url, { redirect: 'manual' }).catch(() => undefined)
        if (answer) return async () => void (await end(child, 'SIGKILL'))
        await new Promise(done => setTimeout(done, 50))
      }
      throw new Error(`${module} does not answer: ${output.join('')}`)
    },
  }
  project.write('package.json', '{"private":true,"type":"module"}')
  const tools = [
    `typescript@${devDependencies.typescript}`,
    `@types/node@${devDependencies['@types/node']}`,
  ]
  project.run('npm', 'install', '--prefer-offline', '--no-audit', spec, 'fastify', ...tools)
  return project
}

/** Compiles every module of the project as strictly as TypeScript can. */
export function compile(project: Project): void {
  const compilerOptions = {
    ...{ target: 'es2024', module: 'nodenext', outDir: 'out', types: ['node'] },
    ...{ strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
    ...{ noUncheckedIndexedAccess: true, verbatimModuleSyntax: true },
  }
  project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  project.run('tsc')
}

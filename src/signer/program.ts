// A program that signs: it is run once for each signature, without a shell, gets the bytes to sign on its standard
// input and the key's name and algorithm in its environment, and writes the signature to its standard output.

import { spawn } from 'node:child_process'
import { MAX_ANSWER_BYTES, type MakeSignature, SignerFault } from './signer.ts'

export interface SignerProgram {
  /** Path and arguments. */
  command: readonly string[]
  /** The environment it is run with, besides FHIRSTORM_KID and FHIRSTORM_ALG. */
  env: Readonly<Record<string, string | undefined>>
}

/** Runs the program for each signature; one that is late, or writes too much, is killed with all it has started. */
export function signByProgram({ command, env }: SignerProgram): MakeSignature {
  const [path = '', ...args] = command
  return (input, { kid, alg }, signal) =>
    new Promise((resolve, reject) => {
      const child = spawn(path, args, {
        env: { ...env, FHIRSTORM_KID: kid, FHIRSTORM_ALG: alg },
        stdio: ['pipe', 'pipe', 'ignore'],
        // A group of its own, so that what it has started can be ended with it.
        detached: true,
      })
      const answer: Buffer[] = []
      let bytes = 0
      const giveUp = (why: string) => {
        signal.removeEventListener('abort', cut)
        reject(new SignerFault(why))
        kill(child.pid)
        child.stdout.destroy()
      }
      const cut = () => giveUp('the signer was ended')
      signal.addEventListener('abort', cut)
      child.on('error', () => giveUp('the signer cannot be run'))
      child.stdout.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > MAX_ANSWER_BYTES) giveUp('the signer answered with too much')
        else answer.push(chunk)
      })
      child.on('close', (status, signalled) => {
        if (status !== 0) giveUp(`the signer ended with ${signalled ?? `status ${status}`}`)
        signal.removeEventListener('abort', cut)
        resolve(Buffer.concat(answer))
      })
      // Who does not read what it is to sign ends with a status of its own, or with a wrong signature.
      child.stdin.on('error', () => {})
      child.stdin.end(input)
    })
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

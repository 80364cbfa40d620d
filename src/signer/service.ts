// A service on this machine that signs: each signature is one POST of the bytes to sign, over loopback or a unix
// socket, with the key's name and algorithm in headers; its answer is the signature.

import { request } from 'node:http'
import { MAX_ANSWER_BYTES, type MakeSignature, SignerFault } from './signer.ts'

export interface SignerService {
  /** http on loopback, or of a host that only the service knows where there is a socket. */
  url: string
  /** Path of a unix socket. */
  socket?: string
}

/** Asks the service for each signature, on a connection of its own. */
export function signByService({ url, socket }: SignerService): MakeSignature {
  return (input, { kid, alg }, signal) =>
    new Promise((resolve, reject) => {
      const fail = (why: string) => {
        reject(new SignerFault(why))
        asked.destroy()
      }
      const asked = request(url, {
        ...{ method: 'POST', agent: false, signal },
        ...(socket === undefined ? {} : { socketPath: socket }),
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': input.length,
          'fhirstorm-kid': kid,
          'fhirstorm-alg': alg,
        },
      })
      asked.on('error', () => fail('the signer cannot be reached'))
      asked.on('response', answer => {
        if (answer.statusCode !== 200) return fail(`the signer answered ${answer.statusCode}`)
        const pieces: Buffer[] = []
        let bytes = 0
        answer.on('error', () => fail('the signer broke off'))
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > MAX_ANSWER_BYTES) fail('the signer answered with too much')
          else pieces.push(chunk)
        })
        answer.on('end', () => resolve(Buffer.concat(pieces)))
      })
      asked.end(input)
    })
}

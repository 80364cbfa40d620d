// fhirstorm as a server component asks it: directly, in the browser's name, by the browser's own cookie.
import { headers } from 'next/headers'

const fhirstorm = process.env.FHIRSTORM ?? 'http://localhost:5000'

/** Reads JSON below `/bff` for the browser that asks for the page; undefined where its session is over. */
export async function read(path: string): Promise<any> {
  const cookie = (await headers()).get('cookie') ?? ''
  // Never kept by Next: the next one to ask may be somebody else.
  const answer = await fetch(`${fhirstorm}/bff/${path}`, { cache: 'no-store', headers: { cookie } })
  if (answer.status === 401) return undefined
  if (!answer.ok) throw new Error(`fhirstorm answers ${answer.status}`)
  return await answer.json()
}

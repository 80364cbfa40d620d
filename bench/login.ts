// A login as a browser would do it, by following redirects with a cookie jar of one host.

import { request } from 'undici'

/** Follows redirects from `url` until an answer is none; gives the Cookie header and the last URL. */
export async function logIn(url: string): Promise<{ cookie: string; url: string }> {
  const jar = new Map<string, string>()
  let at = url
  for (let step = 0; step < 10; step++) {
    const answer = await request(at, {
      headers: { cookie: printJar(jar), accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate' },
    })
    await answer.body.dump()
    for (const text of [answer.headers['set-cookie'] ?? []].flat()) {
      const [pair = ''] = text.split(';', 1)
      const mark = pair.indexOf('=')
      const [name, value] = [pair.slice(0, mark), pair.slice(mark + 1)]
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(text) || value === '') jar.delete(name)
      else jar.set(name, value)
    }
    const { location } = answer.headers
    if (answer.statusCode < 300 || answer.statusCode > 399 || typeof location !== 'string') {
      return { cookie: printJar(jar), url: at }
    }
    at = new URL(location, at).href
  }
  throw new Error('the login goes in circles')
}

function printJar(jar: Map<string, string>): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

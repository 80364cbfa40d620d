// A browser as far as the flow needs one: a cookie jar by host, redirects followed by hand, the fetch
// metadata that Chromium sends. Every answer it has seen is kept, so that leaks can be searched for.

export interface Answer {
  url: string
  status: number
  headers: Headers
  setCookies: string[]
  text: string
  json<T = unknown>(): T
}

export interface Visit {
  method?: string
  headers?: Record<string, string>
  body?: string
}

export interface Browser {
  /** Goes to an address as a user does and follows redirects; the last answer. */
  navigate(url: string, stopAt?: (url: string) => boolean): Promise<Answer>
  /** A fetch from the page at `from`; no redirects. */
  fetch(url: string, visit?: Visit): Promise<Answer>
  /** Cookies that would be sent to an address, by name. */
  cookies(url: string): Map<string, string>
  setCookie(url: string, name: string, value: string): void
  /** Everything that was ever received. */
  history: Answer[]
}

const MAX_REDIRECTS = 20

/** A new browser with an empty jar; a restless one asks on a connection of its own each time. */
export function createBrowser({ isRestless = false } = {}): Browser {
  const jar = new Map<string, Map<string, string>>()
  const history: Answer[] = []

  return {
    history,
    cookies: url => new Map(jarOf(url)),
    setCookie: (url, name, value) => jarOf(url).set(name, value),
    async navigate(url, stopAt) {
      let previous: string | undefined
      for (let hops = 0; hops < MAX_REDIRECTS; hops++) {
        const answer = await request(url, { headers: navigationHeaders(previous, url) })
        const location = answer.headers.get('location')
        if (answer.status < 300 || answer.status > 399 || location === null) return answer
        const next = new URL(location, url).href
        if (stopAt?.(next)) return answer
        previous ??= url
        url = next
      }
      throw new Error('too many redirects')
    },
    fetch: (url, visit = {}) =>
      request(url, { ...visit, headers: { ...fetchHeaders(url, visit), ...visit.headers } }),
  }

  async function request(url: string, { method = 'GET', headers = {}, body }: Visit) {
    const cookie = [...jarOf(url)].map(pair => pair.join('=')).join('; ')
    const response = await fetch(url, {
      method,
      body,
      redirect: 'manual',
      headers: {
        ...headers,
        ...(cookie && { cookie }),
        ...(isRestless && { connection: 'close' }),
      },
    })
    const setCookies = response.headers.getSetCookie()
    for (const line of setCookies) store(url, line)
    const text = await response.text()
    const answer: Answer = {
      url,
      status: response.status,
      headers: response.headers,
      setCookies,
      text,
      json: <T>() => JSON.parse(text) as T,
    }
    history.push(answer)
    return answer
  }

  function store(url: string, line: string): void {
    const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
    const name = pair.slice(0, pair.indexOf('='))
    const over = attributes.some(
      part => /^max-age=0$/i.test(part) || /^expires=Thu, 01 Jan 1970/i.test(part),
    )
    if (over) jarOf(url).delete(name)
    else jarOf(url).set(name, pair.slice(pair.indexOf('=') + 1))
  }

  // By host without port, as browsers do.
  function jarOf(url: string): Map<string, string> {
    const { hostname } = new URL(url)
    const cookies = jar.get(hostname) ?? new Map<string, string>()
    jar.set(hostname, cookies)
    return cookies
  }
}

function navigationHeaders(previous: string | undefined, url: string): Record<string, string> {
  const site =
    previous === undefined
      ? 'none'
      : new URL(previous).hostname === new URL(url).hostname
        ? 'same-origin'
        : 'cross-site'
  return {
    accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
    'sec-fetch-site': site,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  }
}

function fetchHeaders(url: string, { method = 'GET' }: Visit): Record<string, string> {
  const { origin } = new URL(url)
  return {
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'cors',
    'sec-fetch-dest': 'empty',
    ...(method === 'GET' || method === 'HEAD' ? {} : { origin }),
  }
}

// The page of a hostile site: everything that a page can try at another site's address. `attack`
// resolves with whatever it could read.

const DOCUMENT_TAGS = ['iframe', 'embed']

globalThis.attack = async ({ base, app }) => {
  const read = []
  await tryFetch(`${base}/Patient`, {})
  await tryFetch(`${base}/Patient`, { mode: 'no-cors' })
  await tryFetch(`${base}/Patient`, { mode: 'no-cors', method: 'POST', body: '{}' })
  await tryFetch(`${base}/Patient/amy-shaw`, { method: 'DELETE' })
  await tryFetch(`${app}/logout`, { mode: 'no-cors', method: 'POST' })
  await tryFetch(`${app}/sessions`, { headers: { 'x-csrf': '1' } })
  await Promise.all([
    load('img', 'src', `${base}/Binary/1`),
    load('script', 'src', `${base}/Patient`),
    load('iframe', 'src', `${base}/Patient`),
    load('link', 'href', `${base}/Patient`),
    load('embed', 'src', `${base}/Patient`),
  ])
  for (const enctype of ['text/plain', 'application/x-www-form-urlencoded']) {
    for (const action of [`${base}/Patient`, `${app}/logout`]) await submit(enctype, action)
  }
  return read

  async function tryFetch(url, how) {
    try {
      const answer = await fetch(url, { credentials: 'include', ...how })
      if (answer.type !== 'opaque') read.push(`${answer.status} ${await answer.text()}`)
    } catch {}
  }

  function load(tag, member, url) {
    return new Promise(done => {
      const element = document.createElement(tag)
      element.addEventListener('load', () => {
        // A document loads whatever it shows: an error, here.
        if (!DOCUMENT_TAGS.includes(tag)) read.push(`${tag} loaded`)
        done()
      })
      element.addEventListener('error', () => done())
      if (tag === 'link') element.setAttribute('rel', 'stylesheet')
      element.setAttribute(member, url)
      document.body.append(element)
      setTimeout(done, 2_000)
    })
  }

  async function submit(enctype, action) {
    const frame = document.createElement('iframe')
    frame.name = `${enctype} ${action}`
    const form = document.createElement('form')
    Object.assign(form, { method: 'post', enctype, action, target: frame.name })
    const field = document.createElement('input')
    Object.assign(field, { name: '{"resourceType":"Patient","x":"', value: '"}' })
    form.append(field)
    document.body.append(frame, form)
    form.submit()
    await new Promise(done => setTimeout(done, 200))
  }
}

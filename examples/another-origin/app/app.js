// An app at another origin than fhirstorm's, of the same site: every call brings the cookie along by `include`.
const fhirstorm = document.querySelector('meta[name=fhirstorm]').content
const app = document.querySelector('#app')
const call = (url, how) => fetch(url, { credentials: 'include', ...how })

const id = new URLSearchParams(location.search).get('session')

function show(heading, ...nodes) {
  app.replaceChildren(Object.assign(document.createElement('h1'), { textContent: heading }), ...nodes)
  document.title = heading
}

function offerLogin(heading) {
  // Whole, and of an origin under frontend.origins: so the login comes back here.
  const back = encodeURIComponent(location.origin + location.pathname)
  const href = `${fhirstorm}/login?return_to=${back}`
  show(heading, Object.assign(document.createElement('a'), { href, textContent: 'Sign in' }))
}

async function start() {
  if (!id) return offerLogin('Allergies')
  const answer = await call(`${fhirstorm}/sessions/${id}`)
  // Proxy-Status can be read at another origin too, and so can Date, ETag, Location and a few more.
  if (answer.status === 401) return offerLogin('This session is over')
  const { fhirBaseUrl, patient } = await answer.json()
  const read = async path => await (await call(`${fhirBaseUrl}/${path}`)).json()
  const [{ name }, { entry = [] }] = await Promise.all([
    read(`Patient/${patient}`),
    read('AllergyIntolerance'),
  ])
  const list = document.createElement('ul')
  for (const { resource } of entry) {
    const text = resource.code?.text ?? resource.code?.coding[0].display
    list.append(Object.assign(document.createElement('li'), { textContent: text }))
  }
  const out = Object.assign(document.createElement('button'), { textContent: 'Sign out' })
  out.onclick = async () => {
    await call(`${fhirstorm}/sessions/${id}`, { method: 'DELETE' })
    offerLogin('You are signed out')
  }
  show([...name[0].given, name[0].family].join(' '), list, out)
}

start().catch(fault => show(`Not now: ${fault.message}`))

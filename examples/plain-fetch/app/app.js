// An app of one patient with nothing but fetch: the session's name is in the address, the cookie goes along by itself.
const base = document.querySelector('meta[name=fhirstorm]').content
const app = document.querySelector('#app')
const { session: id, error } = Object.fromEntries(new URLSearchParams(location.search))

function show(heading, ...nodes) {
  const title = Object.assign(document.createElement('h1'), { textContent: heading })
  app.replaceChildren(title, ...nodes)
  document.title = heading
}

function offerLogin(heading) {
  const href = `${base}login?return_to=${encodeURIComponent(location.pathname)}`
  show(heading, Object.assign(document.createElement('a'), { href, textContent: 'Sign in' }))
}

/** Reads JSON; undefined once the session is over, when nothing of the record may stay in sight. */
async function read(url) {
  const answer = await fetch(url)
  if (answer.ok) return await answer.json()
  // Only fhirstorm's own refusals carry it: another 401 is the EHR's, for this one resource.
  const [, code] = /details="(\w+)"/.exec(answer.headers.get('proxy-status') ?? '') ?? []
  if (code === 'session_invalid' || code === 'session_expired') return offerLogin('This session is over')
  throw new Error(code ?? `the EHR answers ${answer.status}`)
}

async function openRecord() {
  const session = await read(`${base}sessions/${id}`)
  if (session === undefined) return
  const patient = await read(`${session.fhirBaseUrl}/Patient/${session.patient}`)
  const query = 'category=vital-signs&_sort=-date&_count=5'
  const found = patient && (await read(`${session.fhirBaseUrl}/Observation?${query}`))
  if (found === undefined) return
  const items = (found.entry ?? []).map(({ resource: { code, valueQuantity } }) => {
    const text = `${code.text ?? code.coding[0].display}: ${valueQuantity?.value ?? '…'} ${valueQuantity?.unit ?? ''}`
    return Object.assign(document.createElement('li'), { textContent: text })
  })
  const list = document.createElement('ul')
  list.append(...items)
  const out = Object.assign(document.createElement('button'), { textContent: 'Sign out' })
  out.onclick = async () => {
    await fetch(`${base}sessions/${id}`, { method: 'DELETE' })
    offerLogin('You are signed out')
  }
  show([...patient.name[0].given, patient.name[0].family].join(' '), list, out)
}

async function start() {
  if (error) return offerLogin(`The EHR refused: ${error}`)
  if (!id) return offerLogin('Vital signs')
  await openRecord().catch(fault => show(`Not now: ${fault.message}`))
}

// Back from the browser's memory, or to this tab after a while: is it still open? Asking keeps it no longer.
addEventListener('pageshow', ({ persisted }) => persisted && start())
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && id) read(`${base}sessions/${id}?slide=false`).catch(() => undefined)
})
start()

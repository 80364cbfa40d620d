import { StrictMode, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { type Fault, readFault, type SessionDocument } from 'fhirstorm/browser'
import { fhirstorm, refusal, useCountdown, useSession } from './fhirstorm'

interface Observation {
  id: string
  code: { text?: string; coding?: { display: string }[] }
  valueQuantity?: { value: number; unit: string }
}

function App() {
  const session = useSession()
  if (session === undefined) return <p>Loading …</p>
  if (session === null) return <Entrance />
  return <Record key={session.id} session={session} />
}

function Entrance() {
  return (
    <>
      <h1>{refusal ? `The EHR refused: ${refusal}` : 'You are not signed in'}</h1>
      <button onClick={() => fhirstorm.login({ returnTo: '/' })}>Sign in</button>
    </>
  )
}

function Record({ session }: { session: SessionDocument }) {
  const [shown, setShown] = useState<{ name: string; values: Observation[] } | Fault>()
  useEffect(() => {
    let isGone = false
    readRecord(session).then(
      found => isGone || setShown(found),
      (fault: Fault) => isGone || setShown(fault),
    )
    return () => {
      isGone = true
    }
  }, [session.fhirBaseUrl, session.patient])
  if (shown === undefined) return <p>Loading …</p>
  if (shown instanceof Error) return <p role="alert">Not now: {shown.message}</p>
  return (
    <>
      <h1>{shown.name}</h1>
      <ul>
        {shown.values.map(({ id, code, valueQuantity: quantity }) => (
          <li key={id}>
            {code.text ?? code.coding?.[0]?.display}: {quantity ? `${quantity.value} ${quantity.unit}` : '…'}
          </li>
        ))}
      </ul>
      <Ending session={session} />
      <button onClick={() => void fhirstorm.logout(session.id)}>Sign out</button>
    </>
  )
}

/** Says in time that the session ends (WCAG 2.2.1), and lets the user stay. */
function Ending({ session }: { session: SessionDocument }) {
  const countdown = useCountdown(session)
  if (!countdown?.isExpiring) return null
  return (
    <p role="alert">
      This session ends in {countdown.left} seconds.{' '}
      <button onClick={() => void fhirstorm.session(session.id, { slide: true })}>Stay</button>
    </p>
  )
}

async function readRecord({ fhirBaseUrl, patient }: SessionDocument) {
  const read = async (path: string) => {
    const answer = await fhirstorm.fetch(`${fhirBaseUrl}/${path}`)
    if (!answer.ok) throw await readFault(answer)
    return await answer.json()
  }
  const [{ name }, { entry = [] }] = await Promise.all([
    read(`Patient/${patient}`),
    read('Observation?category=vital-signs&_sort=-date&_count=5'),
  ])
  const values = entry.map(({ resource }: { resource: Observation }) => resource) as Observation[]
  return { name: [...name[0].given, name[0].family].join(' '), values }
}

createRoot(document.querySelector('#app')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)

import { read } from './fhirstorm'
import { SignOut } from './sign-out'

type Query = Promise<{ session?: string; error?: string }>

/** Rendered by the server, with the record of the session that the address names. */
export default async function Page({ searchParams }: { searchParams: Query }) {
  const { session: id, error } = await searchParams
  const session = id && (await read(`sessions/${encodeURIComponent(id)}`))
  if (!session) {
    return (
      <main>
        <h1>{error ? `The EHR refused: ${error}` : 'You are not signed in'}</h1>
        {/* A login is a navigation, and no route of Next's: never <Link>, which fetches ahead. */}
        <a href="/bff/login?return_to=%2F">Sign in</a>
      </main>
    )
  }
  const fhir = `sessions/${session.id}/fhir`
  const [patient, conditions] = await Promise.all([
    read(`${fhir}/Patient/${session.patient}`),
    read(`${fhir}/Condition?patient=${session.patient}`),
  ])
  return (
    <main>
      <h1>{[...patient.name[0].given, patient.name[0].family].join(' ')}</h1>
      <ul>
        {(conditions.entry ?? []).map(({ resource }: any) => (
          <li key={resource.id}>{resource.code.text ?? resource.code.coding[0].display}</li>
        ))}
      </ul>
      <SignOut id={session.id} />
    </main>
  )
}

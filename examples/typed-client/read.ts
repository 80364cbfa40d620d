// One session, its patient and her weights, and a refusal: everything here type-checks or does not compile.

import { connect, describe } from './client.ts'

type Fetch = (request: Request) => Promise<Response>

/** What the record of the session's patient says, in three lines. */
export async function read(baseUrl: string, fetch?: Fetch): Promise<string[]> {
  const api = connect(baseUrl, fetch)
  const { data: sessions = [] } = await api.GET('/sessions')
  const [session] = sessions
  if (session?.patient === undefined) return ['nobody']
  const { id, patient } = session

  const read = await api.GET('/sessions/{id}/fhir/{type}/{resourceId}', {
    params: { path: { id, type: 'Patient', resourceId: patient } },
  })
  if (read.error) return [read.error.issue[0]?.details?.text ?? read.error.issue[0]?.code ?? 'refused']

  const found = await api.GET('/sessions/{id}/fhir/{type}', {
    params: {
      path: { id, type: 'Observation' },
      query: { search: { category: 'vital-signs', _count: 2, date: ['ge1990-01-01', 'le2100-01-01'] } },
    },
  })
  const other = await api.GET('/sessions/{id}', { params: { path: { id: 'A'.repeat(22) } } })
  const { resourceType, id: patientId } = read.data
  return [
    `${resourceType}/${patientId}`,
    found.data === undefined ? 'nothing' : `${found.data.resourceType} at ${found.response.url}`,
    other.error === undefined ? 'no refusal' : describe(other.error.code),
  ]
}

// Who can sign in at the sandbox: two clinicians, two patients in their own portal, and a mother in
// her child's. There are no passwords: the sign-in page shows these to choose from.

export interface Account {
  id: string
  name: string
  role: string
  /** Reference to the resource that describes the user, relative to the FHIR base. */
  fhirUser: string
  /** Patients whose records this user may see; undefined for all of them. */
  patients?: readonly string[]
}

export const accounts: readonly Account[] = [
  {
    id: 'practitioner',
    name: 'Dr. Maria Rivera',
    role: 'Physician',
    fhirUser: 'Practitioner/maria-rivera',
  },
  { id: 'nurse', name: 'Sam Adeyemi', role: 'Nurse', fhirUser: 'Practitioner/sam-adeyemi' },
  {
    id: 'amy-shaw',
    name: 'Amy Shaw',
    role: 'Patient portal',
    fhirUser: 'Patient/amy-shaw',
    patients: ['amy-shaw'],
  },
  {
    id: 'farid-haddad',
    name: 'Farid Haddad',
    role: 'Patient portal',
    fhirUser: 'Patient/farid-haddad',
    patients: ['farid-haddad'],
  },
  {
    id: 'linh-nguyen',
    name: 'Linh Nguyen',
    role: 'Patient portal, for her daughter Chloe',
    fhirUser: 'RelatedPerson/linh-nguyen',
    patients: ['chloe-nguyen'],
  },
]

/** The account with an id. */
export function findAccount(id: string | undefined): Account | undefined {
  return accounts.find(account => account.id === id)
}

/** Whether a user may see a patient's record. */
export function maySee({ patients }: Account, patient: string): boolean {
  return patients === undefined || patients.includes(patient)
}

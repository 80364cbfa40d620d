// Resources whose `url` is a name, not an address: FHIR's canonical resources of all versions. Such a
// name stays as it is even where it looks like an address below the FHIR base. Pure: no I/O.

const TYPES = [
  ...['ActivityDefinition', 'ActorDefinition', 'CapabilityStatement', 'ChargeItemDefinition'],
  ...['Citation', 'CodeSystem', 'CompartmentDefinition', 'ConceptMap', 'ConditionDefinition'],
  ...['Conformance', 'DataElement', 'EventDefinition', 'Evidence', 'EvidenceReport'],
  ...['EvidenceVariable', 'ExampleScenario', 'ExpansionProfile', 'GraphDefinition'],
  ...['ImplementationGuide', 'Library', 'Measure', 'MessageDefinition', 'NamingSystem'],
  ...['ObservationDefinition', 'OperationDefinition', 'PlanDefinition', 'Questionnaire'],
  ...['Requirements', 'ResearchDefinition', 'ResearchElementDefinition', 'SearchParameter'],
  ...['SpecimenDefinition', 'StructureDefinition', 'StructureMap', 'SubscriptionTopic'],
  ...['TerminologyCapabilities', 'TestPlan', 'TestScript', 'ValueSet'],
]

const CANONICAL = new RegExp(`^/(?:${TYPES.join('|')})/`)

/** Whether what follows a FHIR base is the path of such a name. */
export function isCanonicalPath(rest: string): boolean {
  return CANONICAL.test(rest)
}

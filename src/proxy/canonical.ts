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

/** The source of an expression for the part of a canonical URL that follows its base. */
export function spellCanonicalPath(slash: string): string {
  return `${slash}(?:${TYPES.join('|')})${slash}`
}

/** Length of the longest such part; what is longer is none. */
export const LONGEST_CANONICAL = Math.max(...TYPES.map(type => type.length)) + 2

// Codes of the sandbox's records: SNOMED CT, RxNorm, CVX, and HL7's own. Synthetic use only.

import type { CodeableConcept } from '../fhir/resource.ts'

export const systems = {
  loinc: 'http://loinc.org',
  snomed: 'http://snomed.info/sct',
  rxnorm: 'http://www.nlm.nih.gov/research/umls/rxnorm',
  cvx: 'http://hl7.org/fhir/sid/cvx',
  ucum: 'http://unitsofmeasure.org',
  observationCategory: 'http://terminology.hl7.org/CodeSystem/observation-category',
  conditionCategory: 'http://terminology.hl7.org/CodeSystem/condition-category',
  conditionClinical: 'http://terminology.hl7.org/CodeSystem/condition-clinical',
  conditionVerification: 'http://terminology.hl7.org/CodeSystem/condition-ver-status',
  allergyClinical: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical',
  identifierType: 'http://terminology.hl7.org/CodeSystem/v2-0203',
  roleCode: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode',
  allergyVerification: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification',
  actCode: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  documentClass: 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category',
} as const

/** A concept of one coding, its display as its text. */
export function concept(system: string, code: string, display: string): CodeableConcept {
  return { coding: [{ system, code, display }], text: display }
}

const snomed = (code: string, display: string) => concept(systems.snomed, code, display)
const rxnorm = (code: string, display: string) => concept(systems.rxnorm, code, display)
const cvx = (code: string, display: string) => concept(systems.cvx, code, display)

export const problems = {
  diabetes2: snomed('44054006', 'Type 2 diabetes mellitus'),
  diabetes1: snomed('46635009', 'Type 1 diabetes mellitus'),
  hypertension: snomed('38341003', 'Hypertension'),
  hyperlipidemia: snomed('55822004', 'Hyperlipidemia'),
  asthma: snomed('195967001', 'Asthma'),
  eczema: snomed('24079001', 'Atopic dermatitis'),
  obesity: snomed('414916001', 'Obesity'),
  sleepApnea: snomed('78275009', 'Obstructive sleep apnea'),
  pregnancy: snomed('77386006', 'Pregnancy'),
  ironDeficiency: snomed('87522002', 'Iron deficiency anemia'),
  hypothyroidism: snomed('40930008', 'Hypothyroidism'),
  migraine: snomed('37796009', 'Migraine'),
  heartFailure: snomed('84114007', 'Heart failure'),
  kidneyDisease: snomed('433144002', 'Chronic kidney disease stage 3'),
  copd: snomed('13645005', 'Chronic obstructive lung disease'),
  atrialFibrillation: snomed('49436004', 'Atrial fibrillation'),
  otitis: snomed('65363002', 'Otitis media'),
} as const

export const drugs = {
  metformin: rxnorm('860975', 'Metformin hydrochloride 500 MG extended release tablet'),
  lisinopril: rxnorm('314076', 'Lisinopril 10 MG oral tablet'),
  atorvastatin: rxnorm('617312', 'Atorvastatin 20 MG oral tablet'),
  insulinGlargine: rxnorm('285018', 'Insulin glargine 100 UNT/ML injection'),
  insulinLispro: rxnorm('242120', 'Insulin lispro 100 UNT/ML injection'),
  albuterol: rxnorm('745679', 'Albuterol 90 MCG/ACTUAT inhaler'),
  fluticasone: rxnorm('895994', 'Fluticasone 44 MCG/ACTUAT inhaler'),
  semaglutide: rxnorm('1991302', 'Semaglutide 1.34 MG/ML injection'),
  ferrousSulfate: rxnorm('310325', 'Ferrous sulfate 325 MG oral tablet'),
  levothyroxine: rxnorm('966222', 'Levothyroxine sodium 75 MCG oral tablet'),
  furosemide: rxnorm('310429', 'Furosemide 20 MG oral tablet'),
  carvedilol: rxnorm('200031', 'Carvedilol 6.25 MG oral tablet'),
  sacubitril: rxnorm('1656339', 'Sacubitril 24 MG / valsartan 26 MG oral tablet'),
  losartan: rxnorm('979480', 'Losartan potassium 50 MG oral tablet'),
  tiotropium: rxnorm('580261', 'Tiotropium 18 MCG inhalation capsule'),
  warfarin: rxnorm('855332', 'Warfarin sodium 5 MG oral tablet'),
  amoxicillin: rxnorm('308182', 'Amoxicillin 250 MG oral capsule'),
} as const

export const allergens = {
  penicillin: snomed('91936005', 'Allergy to penicillin'),
  peanut: snomed('91935009', 'Allergy to peanut'),
  sulfonamide: snomed('91939003', 'Allergy to sulfonamide'),
  latex: snomed('300916003', 'Latex allergy'),
} as const

export const smoking = {
  never: snomed('266919005', 'Never smoker'),
  former: snomed('8517006', 'Former smoker'),
  daily: snomed('449868002', 'Current every day smoker'),
} as const

export const vaccines = {
  hepatitisB: cvx('08', 'Hepatitis B, adolescent or pediatric'),
  rotavirus: cvx('119', 'Rotavirus, monovalent'),
  dtap: cvx('20', 'DTaP'),
  polio: cvx('10', 'IPV'),
  pneumococcal: cvx('133', 'Pneumococcal conjugate PCV 13'),
  mmr: cvx('03', 'MMR'),
  hpv: cvx('165', 'HPV, 9-valent'),
  influenza: cvx('140', 'Influenza, seasonal, injectable'),
  tdap: cvx('115', 'Tdap'),
} as const

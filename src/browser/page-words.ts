// The dictionary of fhirstorm's own pages: what they say, in each language that they know. Refusals are told
// by their code, so that a page in another language needs no text of an error. Pure: no I/O.

import { describeFault, type FaultCode } from '../errors.ts'
import { english, type Words } from './english.ts'
import { german } from './german.ts'

/** The languages that pages are written in; the first is for everybody else. */
export const languages = ['en', 'de'] as const
export type Language = (typeof languages)[number]

/** What the parts of a page say in a language. */
export function wordsIn(language: Language): Words {
  return language === 'de' ? german.page : english
}

/** The fixed text of a refusal, in a language. */
export function describeFaultIn(language: Language, code: FaultCode): string {
  return language === 'de' ? german.faults[code] : describeFault(code).message
}

/** What the EHR's refusal of a login means, in a language; `told` is the English text of the code. */
export function describeDenialIn(language: Language, code: string, told: string): string {
  return language === 'de' ? (german.denials[code] ?? told) : told
}

/** The language that Accept-Language wants most of those that there are (RFC 9110 12.5.4). */
export function chooseLanguage(acceptLanguage: string | undefined): Language {
  let best: Language = 'en'
  let bestQuality = 0
  for (const range of (acceptLanguage ?? '').slice(0, 1000).split(',')) {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';')
    const language = languages.find(known => tag === known || tag.startsWith(`${known}-`))
    const weight = parameters.find(parameter => parameter.trim().startsWith('q='))
    const quality = weight === undefined ? 1 : Number(weight.trim().slice(2))
    if (language === undefined || !(quality > bestQuality)) continue
    best = language
    bestQuality = quality
  }
  return best
}

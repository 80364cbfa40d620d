// Units as people read them: UCUM's codes in their print forms, other units as they are written. Pure.

const UCUM = 'http://unitsofmeasure.org'

// Atoms of UCUM whose print symbol is more than their code without its brackets.
const symbols = {
  '10*': '10',
  '10^': '10',
  Cel: '°C',
  Ohm: 'Ω',
  deg: '°',
  'm[H2O]': 'mH₂O',
  '[degF]': '°F',
  '[iU]': 'IU',
}
const PREFIXED = /^(da|[YZEPTGMkhdcmunpfazy])(.+)$/
const TOKENS = /[./()]|(?:\[[^[\]]*\]|[^./()[\]])+/g
const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/** The unit of a quantity for people; empty where it has none, as a ratio or a score. */
export function printUnit({ unit = '', code, system }) {
  if (system === UCUM && code !== undefined) return printUcum(code)
  // Braces are UCUM's annotation, which is no unit, wherever it stands.
  return /^\{.*\}$/.test(unit) ? '' : unit
}

/**
 * A UCUM code in print: `mm[Hg]` is mmHg, `kg/m2` is kg/m², `10*3/uL` is 10³/µL. Annotations say nothing
 * of the unit and are left out, but for the body surface that `{1.73_m2}` stands for.
 */
export function printUcum(code) {
  const [surface] = code.match(/\{1\.73_?m2\}/i) ?? []
  const tokens = code.replace(/\{[^{}]*\}/g, match => (match === surface ? '[surface]' : ''))
  const text = (tokens.match(TOKENS) ?? []).map(printToken).join('')
  return text.replace(/[/·]+$/, '')
}

function printToken(token) {
  if (token === '.') return '·'
  if (token === '[surface]') return '1.73 m²'
  const [, base = '', exponent = ''] = /^(.*?\D)([+-]?\d+)$/.exec(token) ?? [undefined, token]
  return printAtom(base) + printExponent(exponent)
}

function printAtom(atom) {
  if (symbols[atom] !== undefined) return symbols[atom]
  const [, prefix, rest] = PREFIXED.exec(atom) ?? []
  const isPrefixed = prefix !== undefined && (symbols[rest] !== undefined || rest.includes('['))
  if (isPrefixed) return printPrefix(prefix) + printAtom(rest)
  if (/^u(l|L|g|m|s|mol|kat|Eq|eq|U|A|V|W)$/.test(atom)) return printPrefix('u') + atom.slice(1)
  // The system of a customary unit, as of the avoirdupois pound [lb_av], is not printed.
  return atom.replace(/\[([^\]_]*)[^\]]*\]/g, '$1')
}

function printPrefix(prefix) {
  return prefix === 'u' ? 'µ' : prefix
}

function printExponent(exponent) {
  return exponent
    .replace('+', '')
    .replace('-', '⁻')
    .replace(/\d/g, digit => superscripts[digit])
}

// HTML by template: every value is escaped unless it is HTML of ours. Pure.

export interface Html {
  readonly html: string
}

type Value = string | number | Html | readonly Value[] | undefined | false

/** A piece of HTML; what is put in is escaped, lists are joined, undefined and false are nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { html: String.raw({ raw: strings }, ...values.map(render)) }
}

/** Text that can stand in HTML, attributes included. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

function render(value: Value): string {
  if (value === undefined || value === false) return ''
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  return 'html' in value ? value.html : value.map(render).join('')
}

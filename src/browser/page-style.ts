// How fhirstorm's own pages look: one style sheet, with the operator's colour where text in it can be read.
// Pure: no I/O. Contrast by WCAG 2.2, 1.4.3.

const LIGHT = {
  ink: '#1c2430',
  soft: '#5b6675',
  paper: '#ffffff',
  line: '#d8dee6',
  accent: '#0b6e6e',
}
const DARK = {
  ink: '#e8edf3',
  soft: '#9aa7b6',
  paper: '#12171e',
  line: '#2b3542',
  accent: '#5cc8c0',
}

const RULES = `body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif;border-top:4px solid var(--brand);box-sizing:border-box}
main{box-sizing:border-box;width:100%;max-width:60rem;padding:2rem clamp(1rem,4vw,2rem);overflow-wrap:anywhere}h1{font-size:1.4rem;margin:0 0 .75rem}p{margin:.5rem 0}small{color:var(--soft)}
header{display:flex;align-items:center;gap:.75rem;margin:0 0 1.5rem;font-weight:600}header img{max-width:10rem;max-height:3rem}
ul{list-style:none;padding:0}li{margin:.5rem 0}a,button{color:var(--accent)}
li a{display:block;padding:.75rem 1rem;border:1px solid var(--line);border-radius:.5rem;text-decoration:none}
table{border-collapse:collapse;font-size:.9rem}td{border-top:1px solid var(--line);padding:.35rem .6rem;vertical-align:top}
@media(min-width:40rem){td{overflow-wrap:break-word}}
details{border-top:1px solid var(--line)}summary{padding:.5rem 0;cursor:pointer}h3{font-size:1rem;margin:1rem 0 .25rem}
button{font:inherit;padding:.6rem 1rem;border:1px solid var(--line);border-radius:.5rem;background:none;cursor:pointer}`

const LEAST_CONTRAST = 4.5

/** The style sheet, in the given colour (`#rrggbb`) or in ours; links keep ours where they could not be read. */
export function buildStyle(colour?: string): string {
  const light = buildVariables(LIGHT, colour)
  return `:root{color-scheme:light dark;${light}}\n@media(prefers-color-scheme:dark){:root{${buildVariables(DARK, colour)}}}\n${RULES}`
}

function buildVariables(palette: typeof LIGHT, colour: string | undefined): string {
  const isReadable = colour !== undefined && contrast(colour, palette.paper) >= LEAST_CONTRAST
  const brand = colour ?? 'transparent'
  return Object.entries({ ...palette, ...(isReadable ? { accent: colour } : {}), brand })
    .map(([name, value]) => `--${name}:${value}`)
    .join(';')
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

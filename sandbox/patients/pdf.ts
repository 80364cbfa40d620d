// A page of text as a PDF: a title, headings and lines in Helvetica, in the characters of Western
// Europe (ISO 32000-1). Pure.

export interface PdfLine {
  text: string
  style?: 'title' | 'heading'
}

const PAGE = { width: 595, height: 842, margin: 64 }
const styles = {
  title: { font: 'F2', size: 20, leading: 34 },
  heading: { font: 'F2', size: 11, leading: 26 },
  plain: { font: 'F1', size: 11, leading: 16 },
} as const

/** A PDF of one A4 page; lines beyond it are left out. */
export function buildPdf(title: string, lines: readonly PdfLine[]): Buffer {
  const content = drawLines(lines)
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R /Lang (en) >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${PAGE.width} ${PAGE.height}] /Contents 6 0 R /Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> >>`,
    font('Helvetica'),
    font('Helvetica-Bold'),
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    `<< /Title ${literal(title)} /Producer (fhirstorm sandbox) >>`,
  ]
  return Buffer.from(assemble(objects), 'latin1')
}

function font(name: string): string {
  return `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`
}

function drawLines(lines: readonly PdfLine[]): string {
  let y = PAGE.height - PAGE.margin
  const drawn = lines.flatMap(({ text, style }) => {
    const { font, size, leading } = styles[style ?? 'plain']
    y -= leading
    if (y < PAGE.margin) return []
    return `BT /${font} ${size} Tf ${PAGE.margin} ${y} Td ${literal(text)} Tj ET`
  })
  return drawn.join('\n')
}

/** A text as PDF writes it; what Western Europe does not write becomes a question mark. */
function literal(text: string): string {
  const western = text.replace(/[^\x20-\x7e\xa0-\xff]/g, '?')
  return `(${western.replace(/[\\()]/g, '\\$&')})`
}

/** The objects, and the table of where each begins. */
function assemble(objects: readonly string[]): string {
  let text = '%PDF-1.4\n%\xe2\xe3\xcf\xd3\n'
  const offsets = objects.map((object, index) => {
    const offset = text.length
    text += `${index + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const count = objects.length + 1
  const rows = offsets.map(offset => `${String(offset).padStart(10, '0')} 00000 n \n`)
  const table = `xref\n0 ${count}\n0000000000 65535 f \n${rows.join('')}`
  const trailer = `trailer\n<< /Size ${count} /Root 1 0 R /Info ${objects.length} 0 R >>`
  return `${text}${table}${trailer}\nstartxref\n${text.length}\n%%EOF\n`
}

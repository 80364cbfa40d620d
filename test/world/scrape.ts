// Metrics as Prometheus would read them: a text of the exposition format taken apart.

/** One line of the text. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** Every sample of a text. */
export function readSamples(text: string): Sample[] {
  return text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const [, name = '', inner = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      const pairs = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
      const labels = Object.fromEntries(pairs.map(([, label, text]) => [label, text]))
      return { name, labels, value: Number(value) }
    })
}

/** The samples of a name whose labels are at least these. */
export function findSamples(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): Sample[] {
  const wanted = Object.entries(labels)
  return samples.filter(
    sample =>
      sample.name === name && wanted.every(([label, text]) => sample.labels[label] === text),
  )
}

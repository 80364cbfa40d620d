// `npm run sbom`: the bill of materials of what is shipped (CycloneDX), on standard output. `npm sbom --omit dev` loses
// packages that a development dependency needs too (npm 11.19: jose), so all are asked for, and those that the lock file
// marks as of development or as optional are taken out here.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

interface Component {
  'bom-ref': string
  group?: string
  name: string
  version: string
}

interface Bill {
  components: Component[]
  dependencies: { ref: string; dependsOn: string[] }[]
  metadata: { component: Component }
}

interface Locked {
  version?: string
  link?: boolean
  dev?: boolean
  optional?: boolean
  devOptional?: boolean
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, Locked>
}
const shipped = new Set(
  Object.entries(packages)
    .filter(([path, { dev, optional, devOptional, link }]) => {
      return path.includes('node_modules/') && !(dev || optional || devOptional || link)
    })
    .map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`),
)
const text = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx'], {
  ...{ encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
})
const bill = JSON.parse(text) as Bill
const components = bill.components.filter(({ group, name, version }) =>
  shipped.has(`${group ? `${group}/` : ''}${name}@${version}`),
)
const kept = new Set([bill.metadata.component, ...components].map(one => one['bom-ref']))
const dependencies = bill.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(name => kept.has(name)) }))
process.stdout.write(`${JSON.stringify({ ...bill, components, dependencies }, null, 2)}\n`)

// npm run attack: the rows of docs/attacks.md that can be told from outside, against a deployment in which
// the suite's hostile EHRs are registered. Exit status 0: every row held; 1: one failed; 2: it could not begin.
//   --target URL    public URL of the deployment
//   --config FILE   where the hostile EHRs listen (YAML); everything on this machine unless told
//   --register      prints the registrations that the deployment needs, and ends
//   --only ROW      this row alone; may be given several times
//   --quick         without rows that wait for time-outs
//   --ca FILE       certificates to trust
//   --insecure      takes any certificate
//   --json          findings as JSON
//   --list          what is asked, and what cannot be told from outside

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readConfig } from './config.ts'
import { untold } from './outside.ts'
import { printRegistrations } from './register.ts'
import { rows } from './rows/rows.ts'
import { NotRegistered, runSuite } from './suite.ts'
import { printFinding, printSum } from './table.ts'

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    config: { type: 'string' },
    register: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    ca: { type: 'string' },
    insecure: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})

process.exitCode = await main()

async function main(): Promise<number> {
  if (values.list) {
    for (const { id, also = [], what } of rows)
      print(`${[id, ...also].join(', ').padEnd(9)} ${what}`)
    print('\nNot told from outside:')
    for (const { reason, ids } of untold) print(`${reason}: ${ids.join(', ')}`)
    return 0
  }
  const config = readConfig(values.config)
  if (values.register) {
    process.stdout.write(printRegistrations(config))
    return 0
  }
  const target = values.target ?? config.target
  if (target === undefined) {
    print('--target URL: the public URL of the deployment. --register prints what it must know.')
    return 2
  }
  try {
    const findings = await runSuite({
      ...{ target, config, only: values.only, isQuick: values.quick, insecure: values.insecure },
      ca: values.ca === undefined ? undefined : readFileSync(values.ca, 'utf8'),
      onFinding: finding => {
        if (!values.json) print(printFinding(finding))
      },
    })
    print(values.json ? JSON.stringify(findings, null, 1) : `\n${printSum(findings)}`)
    return findings.some(({ outcome }) => outcome === 'failed') ? 1 : 0
  } catch (error) {
    print(`It could not begin: ${error instanceof Error ? error.message : error}`)
    if (error instanceof NotRegistered) {
      print('What the deployment must know is printed by: npm run attack -- --register')
    }
    return 2
  }
}

function print(text: string): void {
  console.log(text)
}

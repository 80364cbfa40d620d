#!/usr/bin/env node
// The entry for every Node: checks the version before anything newer is parsed, then hands over to the
// compiled program, or to the sources in a checkout.
import { existsSync } from 'node:fs'

// SIGUSR1 would open a debugger, which reads every token: from the first line on it does nothing.
process.on('SIGUSR1', () => {})
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `fhirstorm needs Node.js 24.15 or newer; this is ${process.version}. In a checkout, run it through npm: npm start`,
  )
  process.exit(2)
}
const compiled = new URL('../dist/program/main.js', import.meta.url)
const source = new URL('../program/main.ts', import.meta.url)
const inCheckout = existsSync(source)
await import(inCheckout ? source : compiled)

#!/usr/bin/env node
// The entry for every Node: checks the version before anything newer is parsed, then hands over to the
// compiled program, or to the sources in a checkout.
import { existsSync } from 'node:fs'

// SIGUSR1 would open a debugger, which reads every token: from the first line on it does nothing.
process.on('SIGUSR1', () => {})
// Loading takes a moment, in which a reload that is asked for would end the service: it is kept for whoever
// listens first. An end that is asked for is one, also of a container's process 1, whose signals are lost
// where nobody listens.
const [, , command] = process.argv
if (command === 'start') {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => process.listenerCount(signal) === 1 && process.exit(0))
  }
}
if (command === 'start' || command === 'work') {
  for (const signal of ['SIGHUP', 'SIGUSR2']) keep(signal)
}
const compiled = new URL('../dist/program/main.js', import.meta.url)
const source = new URL('../program/main.ts', import.meta.url)
const inCheckout = existsSync(source)
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  const remedy = inCheckout
    ? 'npm ci brings one to this checkout, and npm run or npm exec takes it.'
    : 'install one from https://nodejs.org and run this again with it.'
  console.error(`fhirstorm needs Node.js 24.15 or newer, and this is ${process.version}: ${remedy}`)
  process.exit(2)
}
await import(inCheckout ? source : compiled)

// Its own listener stays: between two of them the signal would be Node's again.
function keep(signal) {
  let isAsked = false
  process.on(signal, () => {
    isAsked = true
  })
  process.on('newListener', function give(name) {
    if (name !== signal) return
    process.off('newListener', give)
    if (isAsked) setImmediate(() => process.emit(signal, signal))
  })
}

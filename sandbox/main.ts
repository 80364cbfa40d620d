// Runs the sandbox EHR by itself: `node sandbox/main.ts`. SANDBOX_HOST, SANDBOX_PORT and APP_URL say
// where it listens and where the app is.

import { startSandbox } from './sandbox.ts'

const {
  SANDBOX_HOST = '127.0.0.1',
  SANDBOX_PORT = '5001',
  APP_URL = 'http://localhost:5000',
} = process.env

const sandbox = await startSandbox({
  host: SANDBOX_HOST,
  port: Number(SANDBOX_PORT),
  appUrl: APP_URL.replace(/\/$/, ''),
  ehrIds: ['general', 'dstu2'],
})
console.log(`Sandbox EHR at ${sandbox.url} for the app at ${APP_URL}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void sandbox.close())
}

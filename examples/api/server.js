// The app's own API: who calls and about which patient is told by fhirstorm, in an assertion that the proxy in
// front puts into each request, or that the API asks for itself.
import Fastify from 'fastify'
import { createRemoteJWKSet, jwtVerify } from 'jose'

// FHIRSTORM is its publicUrl: who signs, and where the keys lie.
const { FHIRSTORM = 'http://localhost:8080', AUDIENCE = 'https://api.example.org', PORT = '5020' } = process.env
const { VERIFY, TOKEN } = process.env
const keys = createRemoteJWKSet(new URL(`${FHIRSTORM}/.well-known/api-jwks.json`))
const claims = { issuer: FHIRSTORM, audience: AUDIENCE, algorithms: ['ES256'] }
const REFUSED = /^ERR_JW[ST]_|^ERR_JWKS_NO_MATCHING_KEY$/
const app = Fastify()

/** Called without a proxy: the browser's own headers go on to fhirstorm's internal listener. */
async function askForAssertion({ method, url, headers }) {
  const passed = ['cookie', 'origin', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest', 'x-csrf', 'fhirstorm-session']
  const answer = await fetch(VERIFY, {
    headers: {
      ...Object.fromEntries(passed.flatMap(name => (headers[name] ? [[name, headers[name]]] : []))),
      ...(TOKEN ? { 'fhirstorm-token': TOKEN } : {}),
      'x-original-method': method,
      'x-original-uri': url,
    },
    signal: AbortSignal.timeout(2000),
  })
  await answer.arrayBuffer()
  if (answer.status === 401 || answer.status === 403) throw Object.assign(new Error('refused'), { status: answer.status })
  if (answer.status !== 200) throw new Error('nobody says who calls')
  return answer.headers.get('fhirstorm-assertion')
}

/** Refuses with 401 or 403 who is nobody, and with 503 where that cannot be known. */
app.addHook('onRequest', async (request, reply) => {
  try {
    const sent = VERIFY ? await askForAssertion(request) : request.headers['fhirstorm-assertion']
    request.caller = (await jwtVerify(sent ?? '', keys, claims)).payload
  } catch (error) {
    const status = error.status ?? (REFUSED.test(error.code ?? '') ? 401 : 503)
    return reply.code(status).send({ error: status === 503 ? 'try again' : 'who calls is not known' })
  }
})

app.get('/notes', async ({ caller }) => ({ by: caller.fhirUser, patient: caller.patient, notes: [] }))

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
console.log('listening')

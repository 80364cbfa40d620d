// The app's own API: who calls and about which patient is told by fhirstorm, in an assertion that the proxy in
// front puts into each request, or that the API asks for itself.
import Fastify from 'fastify'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { FHIRSTORM = 'http://127.0.0.1:5000', AUDIENCE = 'https://api.example.org', PORT = '5020' } = process.env
const { VERIFY, TOKEN } = process.env
const keys = createRemoteJWKSet(new URL(`${FHIRSTORM}/.well-known/api-jwks.json`))
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
  })
  return answer.headers.get('fhirstorm-assertion')
}

app.get('/notes', async (request, reply) => {
  const sent = VERIFY ? await askForAssertion(request) : request.headers['fhirstorm-assertion']
  try {
    const { payload } = await jwtVerify(sent ?? '', keys, { audience: AUDIENCE, algorithms: ['ES256'] })
    return { by: payload.fhirUser, patient: payload.patient, notes: [] }
  } catch {
    return reply.code(401).send({ error: 'who calls is not known' })
  }
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
console.log('listening')

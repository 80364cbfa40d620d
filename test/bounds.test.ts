// Everything that grows while the product runs has a bound, and every wait for somebody else an end. Maps and sets that begin empty are found in
// the sources; each is the bounded map, lives for one call, or stands here with what bounds it.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const EACH_CALL = 'gone when the function returns'
const EACH_EHR = 'one entry for each registration'

const bounds: Record<string, string> = {
  'src/audit/call-event.ts sessionTexts': 'token sets that live elsewhere',
  'src/audit/call-event.ts heads': 'interactions of FHIR and profiles of BALP',
  'src/smart/launch/answers.ts running':
    'exchanges under way: calls of the egress and waiters of discovery',
  'plugins/tracing.ts ofRequests': 'requests that live elsewhere',
  'plugins/metrics.ts kinds': 'methods, routes and registrations',
  'src/bounded-map.ts entries': 'its own bound in bytes',
  'src/browser/cookies.ts found': EACH_CALL,
  'src/browser/guard.ts hosts': 'the configured addresses',
  'program/cli/configuration.ts readFiles': 'files of one configuration',
  'program/cli/configuration.ts looks': 'files of one configuration',
  'program/config/environment.ts filled': EACH_CALL,
  'program/config/load.ts seen': EACH_CALL,
  'program/config/load.ts unknown': EACH_CALL,
  'program/config/schema.ts names': EACH_CALL,
  'program/crew/crew.ts members': 'so many processes, and those that leave',
  'program/crew/talk.ts waiting': 'questions of processes to each other, each with a deadline',
  'program/audit-server.ts underWay': 'batches under way, one for each chain',
  'program/front.ts served': 'apps that are held',
  'program/front.ts underWay': 'answers under way, no more than connections',
  'program/terms.ts taken': 'apps that live elsewhere',
  'program/service.ts alive': 'generations that answer, each for an hour at most',
  'program/fronts.ts held': 'the listeners of one configuration',
  'program/fronts.ts next': 'the listeners of one configuration',
  'program/connections.ts held': 'one entry for each open connection, at most',
  'plugins/state.ts recalling': 'requests under way, one entry for each launch',
  'plugins/verify.ts described': 'token sets that live elsewhere',
  'plugins/session-events.ts perSession': 'streams, of which there are so many in all',
  'plugins/session-events.ts streams': 'so many in all',
  'plugins/session-events.ts strangers': 'streams, of which there are so many in all',
  'src/exchange/availability.ts entries': EACH_EHR,
  'src/exchange/availability.ts listeners': 'streams, of which there are so many in all',
  'src/session/changes.ts listeners': 'parts of the process, each once',
  'src/session/watching.ts entries': 'sessions of streams, of which there are so many in all',
  'src/facade/parameters.ts values': EACH_CALL,
  'src/facade/statements.ts kept': EACH_EHR,
  'src/exchange/breaker.ts entries': EACH_EHR,
  'src/exchange/breaker.ts tried': 'its own count: 1,000, then all are forgotten',
  'src/exchange/rate.ts ofUsers': 'requests that may begin within a second',
  'src/exchange/rate.ts ofEhrs': EACH_EHR,
  'src/exchange/access.ts requests': 'sessions of requests under way, that live elsewhere',
  'src/exchange/exchange.ts credentials': 'token sets that live elsewhere',
  'src/network/connection.ts connections': 'sockets that live elsewhere',
  'src/network/connection.ts endsOfUsed': 'errors that live elsewhere',
  'src/network/names.ts waiting': 'names of registered hosts',
  'src/network/race.ts running': EACH_CALL,
  'src/exchange/running.ts byId': EACH_CALL,
  'src/exchange/running.ts counts': EACH_CALL,
  'src/proxy/media-type.ts known': EACH_CALL,
  'src/proxy/media-type.ts met': EACH_CALL,
  'src/exchange/shares.ts ehrs': EACH_EHR,
  'src/exchange/shares.ts users':
    'idle ones are forgotten beyond 4,096; the others have requests in flight',
  'src/exchange/upstream.ts counts': EACH_CALL,
  'src/exchange/upstream.ts upstreams': EACH_EHR,
  'src/pace.ts holders': 'logins that may begin within a window',
  'src/session/renewal.ts flights':
    'calls of the egress, and waiters for leases within their deadline',
  'src/session/giving-back.ts shares': EACH_EHR,
  'src/session/giving-back.ts waiting': 'shares in bytes',
  'src/signer/signer.ts queue': 'its own count: 64 that wait for a signature',
  'src/smart/launch/callback.ts found': EACH_CALL,
  'src/smart/token/client-keys.ts published': EACH_CALL,
  'src/smart/discovery/cache.ts entries': EACH_EHR,
  'src/smart/identity/jwks.ts sets': EACH_EHR,
  'src/smart/scope/scope-set.ts joined': EACH_CALL,
  'src/vault/memory.ts deposits': 'the room of the store, in bytes',
  'src/vault/memory.ts indexes': 'the records of the store',
  'src/vault/memory.ts keyMarks': 'the keys of the ring',
  'src/vault/memory.ts leases': 'the room of the store, in bytes',
  'src/vault/memory.ts records': 'the room of the store, in bytes',
  'src/vault/memory.ts taken': 'the room of the store, in bytes',
  'src/vault/redis-leases.ts members': EACH_CALL,
  'src/vault/redis-waits.ts waiting': 'removals under way, each for a lease at most',
  'src/vault/redis-heads.ts underWay': 'commands that wait, in bytes',
}

/** What ends each wait for somebody outside of the process, by the file that can begin one. */
const ends: Record<string, string> = {
  'program/cli/healthcheck.ts': 'its own deadline',
  'program/front.ts': 'names of this machine alone',
  'program/socket-file.ts': 'a socket of this machine takes or refuses at once',
  'src/network/connect.ts':
    'a time for connecting; then the deadline of the egress, or the ticks of running.ts',
  'src/network/names.ts': 'the time for connecting',
  'src/network/race.ts': 'the time for connecting, its own',
  'src/network/tunnel.ts': 'the time for connecting',
  'src/signer/program.ts': 'the deadline of signer.ts',
  'src/signer/service.ts': 'the deadline of signer.ts',
  'src/vault/redis.ts': 'the deadline of each command in redis-link.ts',
}

const OUTWARD =
  /import (?!type)(?:[^'\n]*\b(?:lookup|resolve\w*|connect|request|get|spawn|exec\w*|fork|Agent|Pool|Client)\b[^'\n]*|\* as \w+) from '(?:node:(?:net|tls|dns|dns\/promises|http|https|http2|child_process|dgram)|undici)'|await import\('redis'\)/

const EMPTY =
  /(?:const|let) (\w+)(?:: [^=\n]+)? = new (?:Map|Set|WeakMap|WeakSet)(?:<[^\n]*?>)?\(\)/g

test('[DS13] every map and set that can grow has a bound that is told', () => {
  const found = ['src/**/*.ts', 'plugins/*.ts', 'program/**/*.ts'].flatMap(pattern =>
    globSync(pattern).flatMap(file =>
      [...readFileSync(file, 'utf8').matchAll(EMPTY)].map(([, name]) => `${file} ${name}`),
    ),
  )
  for (const name of found) {
    const advice = 'take src/bounded-map.ts, or say here what bounds it'
    assert.ok(Object.hasOwn(bounds, name), `${name} may grow: ${advice}`)
  }
  for (const name of Object.keys(bounds)) assert.ok(found.includes(name), `${name} is gone`)
})

test('[DS5, DS13] every file that can wait for somebody else tells what ends the wait', () => {
  const found = ['src/**/*.ts', 'plugins/*.ts', 'program/**/*.ts'].flatMap(pattern =>
    globSync(pattern).filter(file => {
      const source = readFileSync(file, 'utf8')
      // The global one, where it is not the guarded one that was passed in.
      const isOwn =
        /(?:globalThis\.|[^\w.]await )fetch\(/.test(source) && !/\bfetch\b[^(\n]*[:,}]/.test(source)
      return OUTWARD.test(source) || isOwn
    }),
  )
  assert.deepEqual(found.toSorted(), Object.keys(ends))
})

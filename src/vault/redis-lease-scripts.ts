// What the instances over one Redis tell each other, each step a script on two keys of one slot: the
// hash of instances that may keep heads, and the numbered ends of records, told on a channel too. Both belong to one run of one
// server: after a restart or a failover they begin anew under another epoch. Numbers are counted, so
// that no clock that is set back hides an end; a gap shows what was lost.

export const INSTANCES = 'fhirstorm:{instances}'
export const ENDS = 'fhirstorm:{instances}:ends'
/** Before the id of an instance, in the hash. */
export const MEMBER = 'at:'
/** Ends that are kept for who comes late; who comes later still drops everything. */
const MAX_ENDS = 4_096
/** Where nobody has held a lease for so long nothing is left. */
const UNUSED_MS = 60_000

// Nothing of it is worth a disk's time or a replica's.
const BEGIN = `
redis.set_repl(redis.REPL_NONE)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('HGET', KEYS[1], 'run') ~= run then
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'run', run, 'epoch', run .. '.' .. time[1] .. '.' .. time[2],
    'since', string.format('%.0f', now), 'seq', '0')
end
local epoch = redis.call('HGET', KEYS[1], 'epoch')`

const KEEP = `
redis.call('PEXPIRE', KEYS[1], ${UNUSED_MS})
redis.call('PEXPIRE', KEYS[2], ${UNUSED_MS})`

/**
 * ARGV: instance, the epoch and the number that it has read up to, its count of renewals. Answers the
 * epoch, the last number, and every end since.
 */
export const RENEW = `${BEGIN}
local seq = redis.call('HGET', KEYS[1], 'seq')
local from = ARGV[2] == epoch and ARGV[3] or seq
redis.call('HSET', KEYS[1], '${MEMBER}' .. ARGV[1], from .. ' ' .. ARGV[4])
${KEEP}
return { epoch, seq, redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. from, '+inf') }`

// `ids` are those that have ended; whoever listens is told of them at once.
const TELLING = `${BEGIN}
local seq
for _, id in ipairs(ids) do
  seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
  redis.call('ZADD', KEYS[2], seq, seq .. ' ' .. id)
end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -${MAX_ENDS + 1})
${KEEP}
redis.pcall('PUBLISH', KEYS[2], epoch .. ' ' .. seq .. ' ' .. table.concat(ids, ' '))
local age = now - tonumber(redis.call('HGET', KEYS[1], 'since'))
local told = { epoch, seq, string.format('%.0f', age), redis.call('HGETALL', KEYS[1]) }`

/** ARGV: record ids. Answers the epoch, the last one's number, the epoch's age, and the hash. */
export const TELL = `
local ids = ARGV
${TELLING}
return told`

/**
 * KEYS: the record's, then as the others. ARGV: its id, now, generation or nothing. Answers what REMOVE
 * does, and what TELL does unless the record lives on. Not for a cluster.
 */
export const REMOVE_AND_TELL = `
local record, ids = table.remove(KEYS, 1), { ARGV[1] }
local generation, expiresAt = unpack(redis.call('HMGET', record, 'generation', 'expiresAt'))
if generation and ARGV[3] ~= '' and generation ~= ARGV[3] then return { 0 } end
local wasLive = expiresAt and tonumber(expiresAt) > tonumber(ARGV[2])
-- Before anything that a server without memory would refuse: the rest of the script may do it then.
redis.call('DEL', record)
${TELLING}
return { wasLive and 1 or 0, told }`

/** ARGV: fields and the values that they must still have, in turn. */
export const FORGET = `
redis.set_repl(redis.REPL_NONE)
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return 1`

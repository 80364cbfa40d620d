// The steps of the contract that Redis must do at once, each a script on one key, so that they work on
// every slot of a cluster. Ids and values only ever come as KEYS and ARGV (attacks V15). Times of day
// are by our clock; Redis's own expiry clears up a minute later, so that the clocks need not agree.
// Leases are counted by Redis's clock alone.

/** Milliseconds by which Redis keeps a key beyond its time. */
export const GRACE_MS = 60_000

const COMMON = `
local function isLive(now)
  local expiresAt = redis.call('HGET', KEYS[1], 'expiresAt')
  return expiresAt and tonumber(expiresAt) > tonumber(now)
end
local function expire(at)
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(at) + ${GRACE_MS}))
end
local function keepUntil(at)
  local endsAt = redis.call('HGET', KEYS[1], 'endsAt')
  if tonumber(at) > tonumber(endsAt) then at = endsAt end
  redis.call('HSET', KEYS[1], 'expiresAt', at)
  expire(at)
end`

/** ARGV: now, lastUsedAt, expiresAt, endsAt, keyId, value, entries. */
export const INSERT = `${COMMON}
if isLive(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'generation', '1', 'lastUsedAt', ARGV[2], 'endsAt', ARGV[4],
  'keyId', ARGV[5], 'value', ARGV[6], 'entries', ARGV[7])
keepUntil(ARGV[3])
return 1`

/** ARGV: now, generation, expiresAt, keyId, value. */
export const REPLACE = `${COMMON}
if not isLive(ARGV[1]) or redis.call('HGET', KEYS[1], 'generation') ~= ARGV[2] then return 0 end
redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('HSET', KEYS[1], 'keyId', ARGV[4], 'value', ARGV[5])
keepUntil(ARGV[3])
return 1`

/** ARGV: now, lastUsedAt, expiresAt. */
export const TOUCH = `${COMMON}
if not isLive(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'lastUsedAt', ARGV[2])
keepUntil(ARGV[3])
return 1`

/** ARGV: now, generation or nothing. */
export const REMOVE = `${COMMON}
if ARGV[2] ~= '' and redis.call('HGET', KEYS[1], 'generation') ~= ARGV[2] then return 0 end
local wasLive = isLive(ARGV[1])
redis.call('DEL', KEYS[1])
return wasLive and 1 or 0`

/** ARGV: now, endsAt, record id. Members whose records have ended go by the way. */
export const ADD_TO_INDEX = `${COMMON}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
expire(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
return 1`

/** ARGV: now, expiresAt. */
export const TAKE = `${COMMON}
local expiresAt = redis.call('GET', KEYS[1])
if expiresAt and tonumber(expiresAt) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
expire(ARGV[2])
return 1`

/** ARGV: expiresAt, value. */
export const DEPOSIT = `${COMMON}
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])
expire(ARGV[1])
return 1`

/**
 * ARGV: owner, milliseconds. One that lies further ahead than any is asked for is from before the
 * server's clock was set back.
 */
export const LEASE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'owner', 'until')
if held[1] and held[1] ~= ARGV[1] then
  local left = tonumber(held[2]) - now
  if left > 0 and left <= 2 * ARGV[2] then return 0 end
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2] + ${GRACE_MS})
return 1`

/** ARGV: owner. */
export const RELEASE = `
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`

/** ARGV: key ids and marks, in turn. */
export const NOTE_KEYS = `
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1`

/** What the server says of its memory and its disk. */
export const SURVEY = `return redis.call('INFO', 'memory') .. redis.call('INFO', 'persistence')`

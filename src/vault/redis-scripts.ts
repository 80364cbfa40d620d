// The steps of the contract that Redis must do at once, as scripts on one key each, so that they work
// on every cluster slot. Times come from our clock; Redis's own expiry only clears up behind it.

const LIVE = `
local expires = redis.call('HGET', KEYS[1], 'expiresAt')
local live = expires and tonumber(expires) > tonumber(ARGV[1])`

/** ARGV: now, lastUsedAt, expiresAt, keyId, value, indexes. */
export const INSERT = `${LIVE}
if live then return 0 end
redis.call('HSET', KEYS[1], 'generation', 1, 'lastUsedAt', ARGV[2], 'expiresAt', ARGV[3],
  'keyId', ARGV[4], 'value', ARGV[5], 'indexes', ARGV[6])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 1`

/** ARGV: now, generation, expiresAt, keyId, value. */
export const REPLACE = `${LIVE}
if not live or redis.call('HGET', KEYS[1], 'generation') ~= ARGV[2] then return 0 end
redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('HSET', KEYS[1], 'expiresAt', ARGV[3], 'keyId', ARGV[4], 'value', ARGV[5])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 1`

/** ARGV: now, lastUsedAt, expiresAt. */
export const TOUCH = `${LIVE}
if not live then return 0 end
redis.call('HSET', KEYS[1], 'lastUsedAt', ARGV[2], 'expiresAt', ARGV[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 1`

/** The indexes of the record that was there, else nothing. */
export const REMOVE = `
local indexes = redis.call('HGET', KEYS[1], 'indexes')
redis.call('DEL', KEYS[1])
return indexes`

/** ARGV: now, owner, until. The holder's time stands in the value, by our clock. */
export const LEASE = `
local held = redis.call('GET', KEYS[1])
if held then
  local owner, till = string.match(held, '^(%S+) (%d+)$')
  if owner ~= ARGV[2] and tonumber(till) > tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3], 'PXAT', ARGV[3])
return 1`

/** ARGV: owner. */
export const RELEASE = `
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^(%S+)') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`

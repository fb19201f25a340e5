/**
 * What happens in Redis in one step each. All keys are under one prefix in braces, so that they are in one slot; keys that
 * depend on what is found are made from it.
 */

/** KEYS era, index. ARGV fresh era, prefix of node keys. Returns the era and the records. */
export const LOOK = `
local era = redis.call('GET', KEYS[1])
if not era then
  local t = redis.call('TIME')
  era = ARGV[1] .. ' ' .. (t[1] * 1000 + math.floor(t[2] / 1000))
  redis.call('SET', KEYS[1], era)
end
local ids = redis.call('SMEMBERS', KEYS[2])
local out = { era }
for _, id in ipairs(ids) do
  local record = redis.call('GET', ARGV[2] .. id)
  if record then out[#out + 1] = record else redis.call('SREM', KEYS[2], id) end
end
return out`;

/** KEYS index, node. ARGV id, record, expiry ms, channel or ''. */
export const REPORT = `
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[1], ARGV[1])
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], 'news') end
return 1`;

const SAY_NEWS = `
local function say(news, channel)
  if #news > 0 then redis.call('PUBLISH', channel, cjson.encode(news)) end
end`;

/**
 * ARGV writes (JSON of [user, field, value or false]), prefix of users, ttl ms, channel. Returns all fields by write. A
 * removal is published also when there was nothing (any more): somebody may remember it from before a flush.
 */
export const WRITE_ROUTES = `${SAY_NEWS}
local news = {}
local writes = cjson.decode(ARGV[1])
for _, w in ipairs(writes) do
  local key = ARGV[2] .. w[1]
  if w[3] then
    local before = redis.call('HGET', key, w[2])
    if before ~= w[3] then
      redis.call('HSET', key, w[2], w[3])
      news[#news + 1] = { w[1], w[2], w[3], redis.call('HLEN', key) == 1 }
    end
    redis.call('PEXPIRE', key, ARGV[3])
  else
    redis.call('HDEL', key, w[2])
    news[#news + 1] = { w[1], w[2], cjson.null, redis.call('HLEN', key) == 0 }
  end
end
say(news, ARGV[4])
local out = {}
for i, w in ipairs(writes) do out[i] = redis.call('HGETALL', ARGV[2] .. w[1]) end
return out`;

/** ARGV users (JSON), prefix of users. */
export const READ_ROUTES = `
local out = {}
for i, user in ipairs(cjson.decode(ARGV[1])) do out[i] = redis.call('HGETALL', ARGV[2] .. user) end
return out`;

/** ARGV gone (JSON of [user, field, value]), prefix of users, channel. */
export const CLEAR_ROUTES = `${SAY_NEWS}
local news = {}
for _, w in ipairs(cjson.decode(ARGV[1])) do
  local key = ARGV[2] .. w[1]
  if redis.call('HGET', key, w[2]) == w[3] then
    redis.call('HDEL', key, w[2])
    news[#news + 1] = { w[1], w[2], cjson.null, redis.call('HLEN', key) == 0 }
  end
end
say(news, ARGV[3])
return #news`;

/** ARGV users (JSON of [user, [field, value, …]]), prefix of users, ttl ms, channel, what own values start with. */
export const RENEW_ROUTES = `${SAY_NEWS}
local news = {}
for _, u in ipairs(cjson.decode(ARGV[1])) do
  local key = ARGV[2] .. u[1]
  local own = {}
  for i = 1, #u[2], 2 do
    local field, value = u[2][i], u[2][i + 1]
    own[field] = true
    if redis.call('HGET', key, field) ~= value then
      redis.call('HSET', key, field, value)
      news[#news + 1] = { u[1], field, value, redis.call('HLEN', key) == 1 }
    end
  end
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if not own[all[i]] and string.sub(all[i + 1], 1, #ARGV[5]) == ARGV[5] then
      redis.call('HDEL', key, all[i])
      news[#news + 1] = { u[1], all[i], cjson.null, redis.call('HLEN', key) == 0 }
    end
  end
  redis.call('PEXPIRE', key, ARGV[3])
end
say(news, ARGV[4])
return #news`;

/**
 * KEYS era. ARGV prefix of numbers, holder, ttl ms, quiet ms, start, step, how many. Only a number that nobody holds is
 * taken. Returns it, -1: all are held, -2: the era is too young.
 */
export const TAKE_NUMBER = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local era = redis.call('GET', KEYS[1])
local since = era and tonumber(string.match(era, '(%d+)$'))
if not since or now - since < tonumber(ARGV[4]) then return -2 end
local n = tonumber(ARGV[5])
for _ = 1, tonumber(ARGV[7]) do
  if redis.call('SET', ARGV[1] .. n, ARGV[2], 'NX', 'PX', ARGV[3]) then return n end
  n = (n + tonumber(ARGV[6])) % tonumber(ARGV[7])
end
return -1`;

/** KEYS number. ARGV holder, ttl ms. Also claims it when nobody has it. */
export const RENEW_NUMBER = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** KEYS number. ARGV holder. */
export const RELEASE_NUMBER = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/**
 * KEYS bucket. ARGV per second, burst, longest delay ms. One number: when the bucket is full again, in ms with fractions.
 * Returns ms to wait; the turn is taken unless that is over the longest delay.
 */
export const ADMIT = `
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = math.max(0, math.ceil(full - now - (burst - 1) * 1000 / rate - 0.001))
if wait > tonumber(ARGV[3]) then return wait end
full = full + 1000 / rate
redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil(full - now) + 1000)
return wait`;

/** KEYS gate. ARGV user, expiry ms. */
export const RESERVE = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`;

/** ARGV prefix of gates, gate ids. */
export const RESERVATIONS = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {}
for i = 2, #ARGV do out[i - 1] = redis.call('ZCOUNT', ARGV[1] .. ARGV[i], '(' .. now, '+inf') end
return out`;

/** KEYS intruders. ARGV how many, texts. A text that is there already is not added again. */
export const ADD_INTRUDERS = `
for i = 2, #ARGV do
  redis.call('LREM', KEYS[1], 0, ARGV[i])
  redis.call('LPUSH', KEYS[1], ARGV[i])
end
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[1]) - 1)
return 1`;

"""The budget's steps that must be atomic, as Lua for Redis.

A bucket is a hash: `limit` and `window` as last seen, `born` (this incarnation), `heard` (when ESI last spoke
of it), `probe`, `open` and `calls` (reservations under way, and ever) and `last` (the latest). What was
spent is kept per slot of a sixtieth of the window and by class of work (`s:<start>:<class>`): a slot's tokens
come back when the whole window has passed since its end, so never sooner than ESI gives them back. A
reservation is simply spent at once and corrected when the answer is there: whoever dies in between leaves
tokens that come back by themselves. Two more classes hold what we did not spend: `elsewhere`, what ESI counted
from one answer to the next, and `before`, what it had counted when we asked after a silence.

All times are Redis's own (`TIME`), in milliseconds: the workers then share one clock, whatever theirs say.
Replies are integers, so that it does not matter how a client decodes strings.
"""

from __future__ import annotations

SILENCE_MILLISECONDS = 5_000
"""Without an answer for so long, what others spent may have grown past what we could guess."""
_BUCKET = (
    f"local SILENCE = {SILENCE_MILLISECONDS}\n"
    + """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function slot_length(window) return math.max(1, math.floor(window / 60)) end

local function slot_now(window) return now - now % slot_length(window) end

-- Forget what came back; return what is spent, and where, oldest first.
local function spent_in(bucket, window)
  local total, spendings = 0, {}
  local fields = redis.call('HGETALL', bucket)
  for i = 1, #fields, 2 do
    local start, class = string.match(fields[i], '^s:(%d+):(.+)$')
    if start then
      start = tonumber(start)
      local amount = tonumber(fields[i + 1])
      if start + slot_length(window) + window <= now then
        redis.call('HDEL', bucket, fields[i])
      else
        total = total + amount
        spendings[#spendings + 1] = {field = fields[i], start = start, class = class, tokens = amount}
      end
    end
  end
  table.sort(spendings, function(one, other)
    return one.start < other.start or (one.start == other.start and one.field < other.field)
  end)
  return total, spendings
end

local function is_silent(bucket) return now - (tonumber(redis.call('HGET', bucket, 'heard')) or 0) > SILENCE end

local function left_of(pause)
  return math.max(0, (tonumber(redis.call('HGET', pause, 'until')) or 0) - now)
end
"""
)

RESERVE = (
    _BUCKET
    + """
-- KEYS bucket, pause of bucket or route, pause of all by the error limit, pause of all by downtime, index
-- ARGV cost, kept (thousandths), limit, window, whether a probe may have to go first, whether to heed downtime,
--      name, class
-- Reply {0, slot, born, cost, which call this is if it is the only one under way, else 0} or
--      {reason, milliseconds to wait, window}: 1 error limit, 2 downtime, 3 paused, 4 spent, 5 probing
local bucket, index, name = KEYS[1], KEYS[5], ARGV[7]
local limit = tonumber(redis.call('HGET', bucket, 'limit')) or tonumber(ARGV[3])
local window = tonumber(redis.call('HGET', bucket, 'window')) or tonumber(ARGV[4])
local wait = left_of(KEYS[3])
if wait > 0 then return {1, wait, window} end
wait = left_of(KEYS[4])
if wait > 0 and ARGV[6] == '1' then return {2, wait, window} end
wait = left_of(KEYS[2])
if wait > 0 then return {3, wait, window} end

local spent, spendings = spent_in(bucket, window)
local room = limit - math.ceil(limit * tonumber(ARGV[2]) / 1000)
local cost = math.min(tonumber(ARGV[1]), math.max(1, room))
if spent + cost > room then
  local missing, at = spent + cost - room, now + window
  for _, spending in ipairs(spendings) do
    missing = missing - spending.tokens
    at = spending.start + slot_length(window) + window
    if missing <= 0 then break end
  end
  return {4, math.max(1, at - now), window}
end

-- Who spends from the same bucket goes on while our next calls are under way: leave as much as they took lately.
local theirs = 0
for _, spending in ipairs(spendings) do
  local lately = spending.start > now - 2 * slot_length(window)
  if lately and spending.class == 'elsewhere' then theirs = theirs + spending.tokens end
end
if theirs > 0 and spent + cost > limit - theirs then return {4, 2 * slot_length(window), window} end

-- A bucket we know nothing of (the first call ever, or Redis came back empty), or have not heard of for a while,
-- may be nearly spent: one call goes first, and its answer says what is left.
if ARGV[5] == '1' and is_silent(bucket) then
  local probing = (tonumber(redis.call('HGET', bucket, 'probe')) or 0) - now
  if probing > 0 then return {5, probing, window} end
  redis.call('HSET', bucket, 'probe', now + 10000)
end

local slot = slot_now(window)
if redis.call('HEXISTS', bucket, 'born') == 0 then
  redis.call('HSET', bucket, 'born', clock[1] * 1000000 + clock[2], 'limit', limit, 'window', window)
end
redis.call('HINCRBY', bucket, 's:' .. slot .. ':' .. ARGV[8], cost)
-- No request lasts a minute: what is still open after one belonged to somebody who died.
if now - (tonumber(redis.call('HGET', bucket, 'last')) or 0) > 60000 then redis.call('HSET', bucket, 'open', 0) end
local alone = redis.call('HINCRBY', bucket, 'open', 1) == 1
redis.call('HSET', bucket, 'last', now)
local calls = redis.call('HINCRBY', bucket, 'calls', 1)
redis.call('PEXPIRE', bucket, 4 * window + 60000)
redis.call('ZADD', index, now + window + slot_length(window), name)
redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
return {0, slot, tonumber(redis.call('HGET', bucket, 'born')), cost, alone and calls or 0}
"""
)

SETTLE = (
    _BUCKET
    + """
-- KEYS bucket, circuit, pause of all by downtime, index
-- ARGV slot, born, reserved, actual, limit seen, window seen, remaining seen (-1: not), answered,
--      failure points (0 success, -1 says nothing), threshold, base pause, longest pause, fixed pause (0: none),
--      name, which call if alone, limit believed, window believed (limit seen is 0 when the answer did not say),
--      class
-- Reply {milliseconds until the downtime pause ends}
local bucket, circuit, pause, index, name = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[14]
local slot, class = 's:' .. ARGV[1] .. ':' .. ARGV[18], ARGV[18]
local reserved, actual = tonumber(ARGV[3]), tonumber(ARGV[4])
local limit, window, remaining = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if limit == 0 then
  limit = tonumber(redis.call('HGET', bucket, 'limit')) or tonumber(ARGV[16])
  window = tonumber(redis.call('HGET', bucket, 'window')) or tonumber(ARGV[17])
end

local alone = false
if redis.call('HGET', bucket, 'born') == ARGV[2] then
  redis.call('HINCRBY', bucket, 'open', -1)
  alone = redis.call('HGET', bucket, 'calls') == ARGV[15]
  if redis.call('HINCRBY', bucket, slot, actual - reserved) <= 0 then redis.call('HDEL', bucket, slot) end
else
  -- Redis lost the reservation (it restarted empty), or the answer named another bucket than the one reserved in.
  if redis.call('HEXISTS', bucket, 'born') == 0 then
    redis.call('HSET', bucket, 'born', clock[1] * 1000000 + clock[2], 'limit', limit, 'window', window)
  end
  if actual > 0 then redis.call('HINCRBY', bucket, 's:' .. slot_now(window) .. ':' .. class, actual) end
end
local believed = tonumber(redis.call('HGET', bucket, 'window'))
if believed ~= window then
  -- ESI changed the window: count all that is spent as spent now, or it would come back too soon.
  local _, spendings = spent_in(bucket, believed)
  for _, spending in ipairs(spendings) do redis.call('HDEL', bucket, spending.field) end
  for _, spending in ipairs(spendings) do
    redis.call('HINCRBY', bucket, 's:' .. slot_now(window) .. ':' .. spending.class, spending.tokens)
  end
end
redis.call('HSET', bucket, 'limit', limit, 'window', window)
redis.call('HDEL', bucket, 'probe')
if remaining >= 0 then
  local spent, spendings = spent_in(bucket, window)
  local unseen = (limit - remaining) - spent
  if unseen > 0 then
    -- Somebody else spent from the same bucket.
    local whose = is_silent(bucket) and 'before' or 'elsewhere'
    redis.call('HINCRBY', bucket, 's:' .. slot_now(window) .. ':' .. whose, unseen)
  elseif alone then
    -- Nothing else of ours was under way, so ESI has counted all there is: what it no longer counts came back
    -- (or its caller died unheard), the oldest first. With others under way its count may be behind ours.
    for _, spending in ipairs(spendings) do
      local back = math.min(spending.tokens, -unseen)
      unseen = unseen + back
      if back == spending.tokens then
        redis.call('HDEL', bucket, spending.field)
      elseif back > 0 then
        redis.call('HINCRBY', bucket, spending.field, -back)
      end
    end
  end
end
if ARGV[8] == '1' then redis.call('HSET', bucket, 'heard', now) end
redis.call('PEXPIRE', bucket, 4 * window + 60000)
redis.call('ZADD', index, now + window + slot_length(window), name)

local points = tonumber(ARGV[9])
local paused = left_of(pause)
if points < 0 or paused > 0 then return {paused} end
local score = tonumber(redis.call('GET', circuit)) or 0
if points == 0 then
  if score > 1 then redis.call('SET', circuit, score - 1, 'PX', 120000) end
  if score == 1 then redis.call('DEL', circuit, pause) end
  return {0}
end
score = score + points
local threshold, fixed = tonumber(ARGV[10]), tonumber(ARGV[13])
if score < threshold then
  redis.call('SET', circuit, score, 'PX', 120000)
  return {0}
end
-- One more failure after the pause opens the circuit again, for longer.
local opened = redis.call('HINCRBY', pause, 'times', 1)
local length = fixed
if fixed == 0 then length = math.min(tonumber(ARGV[12]), tonumber(ARGV[11]) * 2 ^ math.min(opened - 1, 20)) end
redis.call('SET', circuit, threshold - 1, 'PX', length + 120000)
redis.call('HSET', pause, 'until', now + length)
redis.call('PEXPIRE', pause, length + 600000)
return {length}
"""
)

PAUSE = (
    _BUCKET
    + """
-- KEYS pause, index of pauses. ARGV milliseconds said by ESI (0: not said), base, longest, name
-- Reply {milliseconds until the pause ends}
local pause = KEYS[1]
local said, left = tonumber(ARGV[1]), left_of(pause)
local length = math.max(said, left)
if said == 0 and left == 0 then
  local times = redis.call('HINCRBY', pause, 'times', 1)
  length = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) * 2 ^ math.min(times - 1, 20))
end
redis.call('HSET', pause, 'until', now + length)
redis.call('PEXPIRE', pause, length + 600000)
redis.call('ZADD', KEYS[2], now + length, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
return {length}
"""
)

LOOK = (
    _BUCKET
    + """
-- KEYS any number of buckets. ARGV the classes. Reply limit, window, spent by each class, one after another.
local found = {}
for _, bucket in ipairs(KEYS) do
  local window = tonumber(redis.call('HGET', bucket, 'window')) or 0
  found[#found + 1] = tonumber(redis.call('HGET', bucket, 'limit')) or 0
  found[#found + 1] = window
  local by_class = {}
  if window > 0 then
    local _, spendings = spent_in(bucket, window)
    for _, spending in ipairs(spendings) do
      by_class[spending.class] = (by_class[spending.class] or 0) + spending.tokens
    end
  end
  for _, class in ipairs(ARGV) do found[#found + 1] = by_class[class] or 0 end
end
return found
"""
)

LEFT = (
    _BUCKET
    + """
-- KEYS any number of pauses. Reply the milliseconds left of each.
local found = {}
for _, pause in ipairs(KEYS) do found[#found + 1] = left_of(pause) end
return found
"""
)

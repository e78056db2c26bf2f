"""The budget's steps that must be atomic, as Lua for Redis.

A bucket is a hash: `limit` and `window` as last seen, `born` (this incarnation), `heard` (when ESI last spoke
of it), `probe`, `open` and `calls` (reservations under way, and ever) and `last` (the latest). What was
spent is kept per slot of a sixtieth of the window and by class of work (`s:<start>:<class>`): a slot's tokens
come back when the whole window has passed since its end, so never sooner than ESI gives them back. A
reservation is simply spent at once and corrected when the answer is there: whoever dies in between leaves
tokens that come back by themselves. Two more classes hold what we did not spend: `elsewhere`, what ESI counted
from one answer to the next, and `before`, what it had counted when we asked after a silence.

All times are Redis's own (`TIME`), in milliseconds: the workers then share one clock, whatever theirs say.

What a script is told (`ARGV[1]`) and what it answers are JSON: the structs of `eve/esi/budget_messages.py`.
"""

from __future__ import annotations

SILENCE_MILLISECONDS = 5_000
"""Without an answer for so long, what others spent may have grown past what we could guess."""
_BUCKET = (
    f"local SILENCE = {SILENCE_MILLISECONDS}\n"
    + """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local told = ARGV[1] and cjson.decode(ARGV[1]) or {}

-- cjson writes fourteen digits of a number, and microseconds have sixteen.
local function whole(number) return string.format('%.0f', number) end

local function given(value) return value ~= nil and value ~= cjson.null end

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
-- KEYS bucket, pause of bucket or route, pause of all by the error limit, pause of all by downtime, index,
-- index of the buckets that our other addresses have in its place
-- Told a Wish, answers a Reserved.
local bucket, index, beside = KEYS[1], KEYS[5], KEYS[6]
local limit = tonumber(redis.call('HGET', bucket, 'limit')) or told.limit
local window = tonumber(redis.call('HGET', bucket, 'window')) or told.window

local function refuse(outcome, wait)
  return '{"outcome":"' .. outcome .. '","wait":' .. whole(wait) .. ',"window":' .. whole(window) .. '}'
end

local wait = left_of(KEYS[3])
if wait > 0 then return refuse('error-limited', wait) end
wait = left_of(KEYS[4])
if wait > 0 and told.heed_downtime then return refuse('downtime', wait) end
wait = left_of(KEYS[2])
if wait > 0 then return refuse('paused', wait) end

local spent, spendings = spent_in(bucket, window)
local room = limit - math.ceil(limit * told.kept / 1000)
local cost = math.min(told.cost, math.max(1, room))

-- Work that this address cannot do now another one may: its workers take from the same queue.
local function room_elsewhere()
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', beside, now, '+inf')) do
    if other ~= bucket and spent_in(other, window) + cost <= room then return true end
  end
  return false
end

if spent + cost > room then
  if told.elsewhere and room_elsewhere() then return refuse('spent', slot_length(window)) end
  local missing, at = spent + cost - room, now + window
  for _, spending in ipairs(spendings) do
    missing = missing - spending.tokens
    at = spending.start + slot_length(window) + window
    if missing <= 0 then break end
  end
  return refuse('spent', math.max(1, at - now))
end

-- Who spends from the same bucket goes on while our next calls are under way: leave as much as they took lately.
local theirs = 0
for _, spending in ipairs(spendings) do
  local lately = spending.start > now - 2 * slot_length(window)
  if lately and spending.class == 'elsewhere' then theirs = theirs + spending.tokens end
end
if theirs > 0 and spent + cost > limit - theirs then return refuse('spent', 2 * slot_length(window)) end

-- A bucket we know nothing of (the first call ever, or Redis came back empty), or have not heard of for a while,
-- may be nearly spent: one call goes first, and its answer says what is left.
if told.probe and is_silent(bucket) then
  local probing = (tonumber(redis.call('HGET', bucket, 'probe')) or 0) - now
  if probing > 0 then return refuse('probing', probing) end
  redis.call('HSET', bucket, 'probe', now + 10000)
end

local slot = slot_now(window)
if redis.call('HEXISTS', bucket, 'born') == 0 then
  redis.call('HSET', bucket, 'born', clock[1] * 1000000 + clock[2], 'limit', limit, 'window', window)
end
redis.call('HINCRBY', bucket, 's:' .. slot .. ':' .. told.call_class, cost)
-- No request lasts a minute: what is still open after one belonged to somebody who died.
if now - (tonumber(redis.call('HGET', bucket, 'last')) or 0) > 60000 then redis.call('HSET', bucket, 'open', 0) end
local alone = redis.call('HINCRBY', bucket, 'open', 1) == 1
redis.call('HSET', bucket, 'last', now)
local calls = redis.call('HINCRBY', bucket, 'calls', 1)
redis.call('PEXPIRE', bucket, 4 * window + 60000)
redis.call('ZADD', index, now + window + slot_length(window), told.name)
redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
if told.elsewhere then
  redis.call('ZADD', beside, now + window, bucket)
  redis.call('PEXPIRE', beside, 4 * window + 60000)
end
local born = tonumber(redis.call('HGET', bucket, 'born'))
return '{"outcome":"granted","slot":' .. whole(slot) .. ',"born":' .. whole(born) .. ',"cost":' .. whole(cost)
  .. ',"alone":' .. whole(alone and calls or 0) .. '}'
"""
)

SETTLE = (
    _BUCKET
    + """
-- KEYS bucket, circuit, pause of all by downtime, index, index of pauses
-- Told an Account, answers a Left: of the pause of all by downtime.
local bucket, circuit, pause, index = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local slot = 's:' .. whole(told.slot) .. ':' .. told.call_class
local limit, window = told.limit, told.window
if not given(limit) then
  limit = tonumber(redis.call('HGET', bucket, 'limit')) or told.believed_limit
  window = tonumber(redis.call('HGET', bucket, 'window')) or told.believed_window
end

local alone = false
if tonumber(redis.call('HGET', bucket, 'born')) == told.born then
  redis.call('HINCRBY', bucket, 'open', -1)
  alone = tonumber(redis.call('HGET', bucket, 'calls')) == told.alone
  if redis.call('HINCRBY', bucket, slot, told.actual - told.reserved) <= 0 then redis.call('HDEL', bucket, slot) end
else
  -- Redis lost the reservation (it restarted empty), or the answer named another bucket than the one reserved in.
  if redis.call('HEXISTS', bucket, 'born') == 0 then
    redis.call('HSET', bucket, 'born', clock[1] * 1000000 + clock[2], 'limit', limit, 'window', window)
  end
  if told.actual > 0 then
    redis.call('HINCRBY', bucket, 's:' .. slot_now(window) .. ':' .. told.call_class, told.actual)
  end
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
if given(told.remaining) then
  local spent, spendings = spent_in(bucket, window)
  local unseen = (limit - told.remaining) - spent
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
if told.answered then redis.call('HSET', bucket, 'heard', now) end
redis.call('PEXPIRE', bucket, 4 * window + 60000)
redis.call('ZADD', index, now + window + slot_length(window), told.name)

local function left(wait) return '{"wait":' .. whole(wait) .. '}' end

local paused = left_of(pause)
if not given(told.points) or paused > 0 then return left(paused) end
-- How often each route failed lately more than anything succeeded. What fails for ever on one route is no outage.
local total, failures = 0, {}
local kept = redis.call('HGETALL', circuit)
for i = 1, #kept, 2 do
  failures[kept[i]] = tonumber(kept[i + 1])
  total = total + failures[kept[i]]
end
redis.call('PEXPIRE', circuit, 120000)
if told.points == 0 then
  for route, count in pairs(failures) do
    if redis.call('HINCRBY', circuit, route, -1) <= 0 then redis.call('HDEL', circuit, route) end
  end
  if total > 0 and redis.call('EXISTS', circuit) == 0 then redis.call('DEL', pause) end
  return left(0)
end
local before = failures[told.route] or 0
local count = math.max(before, math.min(told.most_of_a_route, before + told.points))
total = total + count - before
if total < told.threshold then
  redis.call('HSET', circuit, told.route, count)
  redis.call('PEXPIRE', circuit, 120000)
  return left(0)
end
-- One more failure after the pause opens the circuit again, for longer.
local opened = redis.call('HINCRBY', pause, 'times', 1)
local length = told.fixed_pause
if not given(length) then
  length = math.min(told.longest_pause, told.first_pause * 2 ^ math.min(opened - 1, 20))
end
redis.call('DEL', circuit)
redis.call('HSET', circuit, 'before the pause', told.threshold - 1)
redis.call('PEXPIRE', circuit, length + 120000)
redis.call('HSET', pause, 'until', now + length)
redis.call('PEXPIRE', pause, length + 600000)
redis.call('ZADD', KEYS[5], now + length, told.pause)
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now)
return left(length)
"""
)

PAUSE = (
    _BUCKET
    + """
-- KEYS pause, index of pauses. Told a Stop, answers a Left.
local pause = KEYS[1]
local said, left = given(told.said) and told.said or 0, left_of(pause)
local length = math.max(said, left)
if length == 0 then
  local times = redis.call('HINCRBY', pause, 'times', 1)
  length = math.min(told.longest, told.first * 2 ^ math.min(times - 1, 20))
end
redis.call('HSET', pause, 'until', now + length)
redis.call('PEXPIRE', pause, length + 600000)
redis.call('ZADD', KEYS[2], now + length, told.name)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
return '{"wait":' .. whole(length) .. '}'
"""
)

LOOK = (
    _BUCKET
    + """
-- KEYS any number of buckets, at least one. Answers a Seen for each.
local found = {}
for _, bucket in ipairs(KEYS) do
  local seen = {
    window = tonumber(redis.call('HGET', bucket, 'window')) or 0,
    limit = tonumber(redis.call('HGET', bucket, 'limit')) or 0,
    spent_by = {nobody = 0},  -- an empty table would be written as a list
  }
  if seen.window > 0 then
    local _, spendings = spent_in(bucket, seen.window)
    for _, spending in ipairs(spendings) do
      seen.spent_by[spending.class] = (seen.spent_by[spending.class] or 0) + spending.tokens
    end
  end
  found[#found + 1] = seen
end
return cjson.encode(found)
"""
)

LEFT = (
    _BUCKET
    + """
-- KEYS any number of pauses, at least one. Answers a Left for each.
local found = {}
for _, pause in ipairs(KEYS) do found[#found + 1] = {wait = left_of(pause)} end
return cjson.encode(found)
"""
)

REFUSED = (
    _BUCKET
    + """
-- KEYS whom ESI refused, by when. Told a RefusedLately, answers a Refused.
redis.call('ZADD', KEYS[1], now, told.caller)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - told.kept)
redis.call('PEXPIRE', KEYS[1], told.kept)
return cjson.encode({callers = redis.call('ZCARD', KEYS[1])})
"""
)

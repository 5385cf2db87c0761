-- Decides requests one after the other: each charges all of its counters, or none.
--
-- KEYS[i]      the counter of charge i; charges of one request stand together
-- ARGV[1]      a byte for each request: how many charges it has
-- ARGV[i + 1]  of charge i: tick (µs), refill (units a tick), capacity and cost (units), doubles
-- Returns      seconds and microseconds of the clock, then the level that each charge met.
--
-- policies/limits/check.py in doubles: all numbers are integers below 2^53, or only compared with
-- one. A counter is its level and the tick at which it was that, as doubles. It expires a second
-- after nothing is spent: that frees memory, and decides nothing.
local time = redis.call('TIME')
local seconds, micros = tonumber(time[1]), tonumber(time[2])
local now = seconds * 1000000 + micros
local found = redis.call('MGET', unpack(KEYS))
local reply = {seconds, micros}
local levels, ticks, rules, changed = {}, {}, {}, {}
local requests = ARGV[1]
local last = 0

for request = 1, #requests do
  local first = last + 1
  last = last + string.byte(requests, request)
  local admitted = true
  for i = first, last do
    local key, text = KEYS[i], ARGV[i + 1]
    local rule = rules[text]
    if not rule then
      local tick, refill, capacity, cost = struct.unpack('<dddd', text)
      rule = {(now - now % tick) / tick, refill, capacity, cost, tick}
      rules[text] = rule
    end
    local level = levels[key]
    if not level then
      local tick = rule[1]
      level = 0
      if found[i] and #found[i] == 16 then
        local kept, kept_tick = struct.unpack('<dd', found[i])
        level = kept
        if tick > kept_tick then
          local back = (tick - kept_tick) * rule[2]
          level = back < kept and kept - back or 0
        else
          tick = kept_tick
        end
      end
      ticks[key] = tick
    end
    reply[i + 2] = level
    if level + rule[4] > rule[3] then
      admitted = false
    else
      level = level + rule[4]
    end
    levels[key] = level
  end
  for i = last, first, -1 do
    local key, rule = KEYS[i], rules[ARGV[i + 1]]
    if not admitted then
      levels[key] = reply[i + 2]
    elseif rule[4] > 0 then
      changed[key] = rule
    end
  end
end

for key, rule in pairs(changed) do
  local level, tick = levels[key], rule[5]
  local left = (rule[1] + math.ceil(level / rule[2])) * tick - now
  redis.call('SET', key, struct.pack('<dd', level, ticks[key]), 'PX', math.ceil(left / 1000) + 1000)
end
return reply

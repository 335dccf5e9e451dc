"""The scripts that Redis runs: the rule of the sliding window, for all buckets in one step."""

import hashlib
from typing import Final

# The rule of limits/resources/redis/lua_scripts/acquire_sliding_window.lua, for any number of
# buckets. KEYS: previous and current window of each. ARGV: its limit and length in milliseconds.
COUNT: Final = """
local answer = {1}
for i = 1, #KEYS, 2 do
    local limit, length = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    local ttl = redis.call('pttl', KEYS[i + 1])
    if ttl > 0 and ttl < length then
        redis.call('rename', KEYS[i + 1], KEYS[i])
        redis.call('set', KEYS[i + 1], 0, 'PX', ttl + length)
        ttl = ttl + length
    end
    local previous = tonumber(redis.call('get', KEYS[i])) or 0
    local previous_ttl = math.max(redis.call('pttl', KEYS[i]), 0)
    local current = tonumber(redis.call('get', KEYS[i + 1])) or 0
    if math.floor(previous * previous_ttl / length) + current + 1 > limit then
        answer[1] = 0
    end
    table.insert(answer, previous)
    table.insert(answer, previous_ttl)
    table.insert(answer, current)
    table.insert(answer, math.max(ttl - length, 0))
end
if answer[1] == 1 then
    for i = 1, #KEYS, 2 do
        if redis.call('exists', KEYS[i + 1]) == 1 then
            redis.call('incr', KEYS[i + 1])
        else
            redis.call('set', KEYS[i + 1], 1, 'PX', 2 * ARGV[i + 1])
            answer[2 * i + 3] = tonumber(ARGV[i + 1])
        end
        answer[2 * i + 2] = answer[2 * i + 2] + 1
    end
end
return answer
"""

COUNT_SHA1: Final = hashlib.sha1(COUNT.encode(), usedforsecurity=False).hexdigest()

# KEYS: the current window of each bucket.
REFUND: Final = """
for i = 1, #KEYS do
    if (tonumber(redis.call('get', KEYS[i])) or 0) > 0 then
        redis.call('decr', KEYS[i])
    end
end
return #KEYS
"""

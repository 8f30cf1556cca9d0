-- Asks for another path each time, each of them once, and stops when there are no more: `wrk -s walk.lua URL -- FILE`.

local ffi = require("ffi")
ffi.cdef("typedef struct { long sec; long nsec; } moment; int clock_gettime(int clock, moment *now);")

local function now()
  local moment = ffi.new("moment")
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.sec) + tonumber(moment.nsec) / 1e9
end

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  requests = {}
  for path in io.lines(args[1]) do
    table.insert(requests, wrk.format("GET", path))
  end
  asked, answered, failed, began, ended = 0, 0, 0, nil, nil
end

function request()
  began = began or now()
  asked = asked % #requests + 1
  return requests[asked]
end

function response(status)
  if ended then return end
  answered = answered + 1
  if status ~= 200 then failed = failed + 1 end
  last = now()
  if answered >= #requests then
    ended = last
    wrk.thread:stop()
  end
end

function done(summary, latency)
  local thread = threads[1]
  local seconds = (thread:get("ended") or thread:get("last") or 0) - (thread:get("began") or 0)
  local bad = thread:get("failed") + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %d %f %d %d %d\n", thread:get("answered"), seconds, bad,
    latency:percentile(50), latency:percentile(99)))
end

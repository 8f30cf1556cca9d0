-- Asks for the same path again and again.

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %f %d %d %d\n", summary.requests, summary.duration / 1e6,
    errors.status + errors.connect + errors.read + errors.timeout, latency:percentile(50), latency:percentile(99)))
end

-- Makes wrk print figures that a program can read; microseconds.
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("requests=%d\nseconds=%f\np50=%f\np99=%f\nerrors=%d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end

"""Runs the services of a profile: real processes, started in order, watched, restarted, and ended with all they have started.

`Supervisor` is the set of services. A `Service` is a set of replicas, each with a `Runner`: the one loop that touches its
process. `External` is a service that somebody else runs. What they know goes into the `Directory`, which the gateway reads.

Pure: `lifecycle` (states and triggers as a table), `graph` (who needs whom), `lines` (bytes to safe lines), `view`, the judgement
in `readiness`; and `policy.restart`, `policy.backoff` outside.
The way to a process: `command` (argument vector), `environment`, `ports`, joined by `launch`; `spawn` starts it, `ending` ends
it.
Looking at it: `probes` (one look), `vitals` (which look, and what came of them), `readiness` (the loop). Its output: `lines` to
`logs` (rings, read by number) and `logfile`.

Three rules hold everywhere:

- A replica is told what is wanted (`up`, `renew`), never what to do next; its loop finds out. So commands cannot get into each
  other's way, and a stop always wins.
- A pid alone is nobody: only pid and birth together, or the mark in the environment, make a process ours (`devgate.processes`).
- Nothing waits for a pipe to close, and no child waits for us to read.
"""

"""Runs the services of a profile: real processes, started in order, watched, restarted, and ended with all they have started.

`Supervisor` is what the engine holds, and its `Orders` are what one service is asked for. A `Service` is a set of replicas, each
with a `Runner`: the one loop that touches its process, with a `Starter` before it, a `Lookout` beside it and an `Aftermath`
behind it. `External` is a service that somebody else runs. What they know goes into the `Directory`, which the gateway reads.

- Deciding, without IO: `lifecycle` (states and triggers as a table), `wish` (what is wanted of a replica), `prognosis` (whether
  it will become ready), `graph` (who needs whom), `lines` (bytes to safe lines), `joined`, the judgement in `readiness`; outside,
  `policy.restart` and `policy.backoff`.
- To a process and back: `command` (argument vector), `environment` and `ports` are joined by `launch`; `spawn` starts it with
  `posix` or `windows`, and `terminal` for one that is typed into, of which `console` is what lasts; `run` holds it with its
  output and probes, `ending` ends it with its whole family.
- Looking at it: `probes` (one look), `vitals` (which look, and what came of them), `readiness` (the loop); `foreign` looks who
  else answers on its port; `resources` samples what it uses.
- Who is on a taken port: `kinship` tells ours from strangers and from leftovers, `eviction` ends the ones that may be ended.
- Its output: `lines` (and `overtyping`, of a terminal), then `logs` (rings, read by number) and `logfile`.
- All together: `fleet` (who is there, and going over to another profile), `waiting` (for others), `demand` (requests
  and changed files that start and stop a service) with `watch`.
- When devgate is killed: `guardian` is our end of `guard_process`, which ends what is left.

Three rules hold everywhere:

- A replica is told what is wanted, never what to do next; its loop finds out. So commands cannot get into each other's way, and
  a stop always wins.
- A pid alone is nobody: only pid and birth together, or the mark in the environment, make a process ours (`devgate.processes`).
- Nothing waits for a pipe to close, and no child waits for us to read.
"""

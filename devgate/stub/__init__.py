"""The stand-in for a service that has no command on this machine.

A stub is a process of its own with a real port, so that the supervisor starts, watches and kills it as it does any other. It has
to be cheap, since nine of them start at once: it imports the standard library, `httptools`, and `wsproto` at the first WebSocket,
and nothing of devgate but its version.

- `config` is what it was told at its start, `behaviour` what it does now (the switches of `/_stub`, its counters);
- `reader` turns bytes into a `request`, `answers` decides what it gets, as a value, and `wire` turns that into bytes; `events`
  and `websocket` are the two kinds of long answers. None of these does IO;
- `connection` is one client's connection, `server` the process: port, signals, end; `journal` writes its log lines.
"""

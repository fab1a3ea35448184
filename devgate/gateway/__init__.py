"""The proxy: everything between a request's first byte and its answer's last.

A request is an `Exchange`. A `connection` of the `front` makes it from what aiohttp's parser found. `pipeline` takes it through
the rules in their fixed order; `rules` says what the profile means by its request line. A handler answers it: `handlers.builtin`
for the gateway's own paths, `handlers.forward` by a service. There one attempt is a `Relay`: `ways` says where it goes,
`upstream` lends it a connection, `reply` writes its head for the client, `handlers.tunnel` takes over after an upgrade. Whatever
goes wrong becomes a `Failure`, which `failures` renders.

What a route asks for beyond that is put together when the rules are made: a `Chain` of `middleware` round the forwarding, and for
other tries and kept answers a handler of its own, `handlers.persistence`. Routes that ask for nothing have neither.

A request that has to wait for nothing is served without waking a task: from the call that reads it off the client's socket to
the call that reads the answer off the service's. What has to be waited for (`hold`, a new connection, a long body) is done in the
task of its connection, which ends with the client.

`table`, `target`, `headers`, `frames`, `reply` and the rules in `policy` are pure. `Gateway` owns all of it and is the only part
that others see. It does not know who runs the services: it reads the `Directory`.
"""

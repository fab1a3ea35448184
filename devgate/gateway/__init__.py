"""The proxy: everything between a request's first byte and its answer's last.

A request is an `Exchange`. `front` makes it from what aiohttp's parser found and writes its answer to the client's socket.
`pipeline` takes it through the rules in their fixed order: host, origin, target, route, lifecycle, breaker. A handler answers it:
`forward` by a connection from `upstream`, `tunnel` after an upgrade, `builtin` for the gateway's own paths. Whatever goes wrong
becomes a `Failure`, which `failures` renders.

`table`, `target`, `headers` and the rules in `policy` are pure. `Gateway` owns all of it and is the only part that others see. It
does not know who runs the services: it reads the `Directory`.
"""

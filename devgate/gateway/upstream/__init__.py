"""Our side towards the services: pooled HTTP/1.1 connections, bytes in and bytes out.

A `Pool` keeps the connections to one `Origin`; `Pools` keeps the pools and the limits they share. `dial` opens an
`UpstreamConnection`, which is lent out for one exchange at a time as a `Line`. What comes back goes through a `ResponseReader`,
llhttp with the checks that llhttp leaves out, to a `Sink`, which the gateway's front implements: plain synchronous calls, one
batch per read of the socket, no task and no stream object per answer. Whatever goes wrong is an `UpstreamError`, which says at
what stage, and whether the request may be sent once more.

    line = pool.take_idle() or await pool.acquire(deadline)
    line.start(sink, head)              # the sink hears the rest; the connection finds its own way back into the pool
"""

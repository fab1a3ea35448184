"""Answers kept and given again, for routes that ask for it (RFC 9111; SEMANTICS 3.7).

What may be kept, and for how long, is decided by `policy.freshness`; whether a client has it already by `policy.preconditions`.
Here is where it is kept (`store`), how one request meets it (`visit`), and how an answer gets in while it is passed on
(`recording`).
"""

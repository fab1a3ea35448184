"""The control API: `control.Control` over HTTP, for the client verbs, for `attach` and for other programs.

It has a listener of its own on a free loopback port; address and token stand in the run file. `app` binds and serves, `guard`
decides who may ask at all, `answers` is what every handler reads and writes with, and the rest are handlers, one file a noun:
`observe` (snapshot, logs, requests), `services`, `profiles`, `events`. Handlers know `Control` and nothing behind it.
"""

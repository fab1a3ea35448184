"""The terminal screen: one face over `Control`, sharing the event loop with the gateway.

Data goes down, messages go up. Four times a second the visible screen compares `control.seq` with what it drew last, takes the
snapshot, turns it into rows (`rows`, pure) and hands them to line-drawn widgets, which repaint only the rows that differ. A key
is a line in `bindings`, what it asks of devgate is a line in `commands`, and `key_line` says where it is worth a place.

Invariants, and what breaks without them:

- No widget subscribes to requests or log lines, and none draws with DataTable or RichLog: a paint stops the gateway for as long
  as it lasts.
- Text from outside passes `ink.fit` or `sgr.runs` before it reaches a `Segment`: those are the only two that may build cells.
- Nothing that must finish runs in a worker: workers die with their widget, the engine's tasks do not.
- A state is mark, word and colour; colour never says anything alone.
"""

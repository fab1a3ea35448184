"""The other end of the control API: what client verbs and `attach` hold instead of an engine.

`control.RemoteControl` is a `control.Control`, so that `devgate restart` and the key `r` take the same path. `link` carries its
questions and raises refusals as they were raised at the other end.
"""

"""The composition root: builds the parts, connects them, and is the `Control` that every face sees.

- `engine` starts and stops everything in the order that makes both safe;
- `commands` are what a face may ask, one small class a noun;
- `changes` turns a new profile into a plan and carries it out;
- `camera` keeps the last `Snapshot`, into which `picture` joins what the parts know (pure);
- `news` tells what has happened, and `narration` says it in words (pure);
- `lag` measures how long the event loop keeps requests waiting.
"""

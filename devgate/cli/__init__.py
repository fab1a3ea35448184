"""The command line: one file per verb, no logic.

A verb's module holds a click command named `command` and imports what it needs inside it, so that `--version` loads nothing and
`check` never loads the screen. `verbs.VERBS` is the list; `main` is the door.
"""

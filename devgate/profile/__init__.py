"""From text to a `Profile`, and from two profiles to a `Plan`.

    lookup      which file is meant
    source      the file's text, and places in it
    compose     YAML to nodes that know their place; nothing but mappings, lists and text
    extends     several files merged into one tree
    short_forms `depends_on: [db]` and the like written out
    interpolate ${NAME}, with values from `envfile` and the environment
    parse       the tree to a Profile, every fault a placed Problem
    checks      rules across fields
    loading     the front door: all of the above, one `Loaded` or every problem at once
    diff        what must happen to turn one profile into another
    reload      the same again when a file changes
    trust       whether somebody has agreed to what a profile runs
    reference   JSON Schema and the reference page

Scalars stay as they are written until the model's field says what they are. So YAML's own guesses never bite: `on`, `no`,
`22:22`, `1.10` and `0755` mean what the reader sees.
"""

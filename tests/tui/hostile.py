"""Text that tries to be more than text: each a line that a service could log or a client could send as a path."""

from typing import Final

HOSTILE: Final = {
    "markup": "[/x] [red]GET[/red] /items[/0] [@click=app.quit]quit[/]",
    "ansi": "\x1b[2J\x1b[1;1H\x1b[31mred\x1b[0m \x1b[?1049l",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07 copied",
    "title": "\x1b]0;owned\x1b\\ titled",
    "device": '\x1bP$q"p\x1b\\ \x9b31m \x90',
    "bidi": "abc\u202edcba\u202c \u2066isolated\u2069",
    "wide": "日本語のログ 한국어 🚀🚀🚀 é́ ﷽",
    "marks": "z" + "\u0300" * 60 + "algo",
    "long": "x" * 4_000 + "END",
    "long and wide": "漢" * 2_000,
    "nul": "a\x00b\x07c\x08d\x7f",
    "lines": "one\rtwo\nthree\u2028four\x0bfive",
    "tabs": "a\tb\t\tc",
    "surrogate": "broken \udcff byte",
    "sgr": "\x1b[38;2;999;0;0mx\x1b[38;5mx\x1b[;;;mx\x1b[1;31;48;5;300mx",
    "blank": "",
}

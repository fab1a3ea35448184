"""A service's command as an argument vector, and whether this machine has it."""

from __future__ import annotations

import os
import shlex
import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OPERATORS: Final = frozenset(";&|()<>\n")
_ENDS_COMMAND: Final = frozenset({";", "&", "&&", "|", "||", "(", ")", ";;"})
_OF_THE_SHELL: Final = """
. : [ [[ alias bg break builtin case cd command continue declare do done elif else esac eval exec exit export false fg fi for
function getopts hash if in jobs let local popd printf pushd pwd read readonly return set shift shopt source test then time times
trap true type typeset ulimit umask unalias unset until wait while { } !
"""
_SHELL_WORDS: Final = frozenset(_OF_THE_SHELL.split())


def argv(command: str | tuple[str, ...]) -> list[str]:
    """What to run: a list as it is; text by the shell, which steps aside where it is one simple command.

    With `exec` in front the service itself is our child: its exit code and its signals are not the shell's
    (cachix/devenv#2620).
    """
    if not isinstance(command, str):
        return list(command)
    return ["cmd", "/d", "/s", "/c", command] if os.name == "nt" else ["/bin/sh", "-c", _with_exec(command)]


def missing(command: str | tuple[str, ...], *, cwd: Path, env: Mapping[str, str]) -> str:
    """The program that is not on this machine; empty when all that can be told are there.

    In a shell text each command's first word is looked at, unless it is the shell's own or made of a variable. A relative path
    behind a `cd` is left to the shell.
    """
    path = env.get("PATH", os.defpath)
    if not isinstance(command, str):
        return "" if _there(command[0], cwd, path) else command[0]
    heads = _heads(command)
    for index, head in enumerate(heads):
        if head in _SHELL_WORDS or any(char in head for char in "$`*?~{"):
            continue
        if index and "/" in head:
            continue
        if not _there(head, cwd, path):
            return head
    return ""


def _there(program: str, cwd: Path, path: str) -> bool:
    if "/" in program or os.sep in program:
        found = cwd / program
        return found.is_file() and os.access(found, os.X_OK)
    return shutil.which(program, path=path) is not None


def _words(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=";&|()<>\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:  # an open quote: the shell will say so
        return []


def _heads(command: str) -> list[str]:
    """The first word of each command in a shell text, behind its assignments."""
    heads = []
    expected = True
    for word in _words(command):
        if word in _ENDS_COMMAND or set(word) == {"\n"}:
            expected = True
        elif word and set(word) <= _OPERATORS:
            expected = False  # a redirection in front of a command: not looked at
        elif expected and not _is_assignment(word):
            heads.append(word)
            expected = word in ("do", "then", "else", "if", "while", "until", "!", "{", "time", "exec", "elif")
    return heads


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def _with_exec(command: str) -> str:
    text = command.strip()
    words = _words(text)
    simple = bool(words) and not any(set(word) <= _OPERATORS for word in words if word)
    heads = _heads(text)
    if not simple or len(heads) != 1 or heads[0] in _SHELL_WORDS:
        return command
    # `A=1 exec program` keeps the assignment for the program (POSIX.1-2017, XCU 2.14 exec and 2.9.1).
    rest, assignments = text, ""
    while _is_assignment(_words(rest)[0]):
        if not (first := rest.split(None, 1)[0]) or any(quote in first for quote in "'\"\\$`"):
            return command
        assignments += first + " "
        rest = rest[len(first) :].lstrip()
    return f"{assignments}exec {rest}"

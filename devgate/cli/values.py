"""Kinds of values that options take, beyond click's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

_DURATION: Final = re.compile(r"\d+(\.\d+)?|(\d+(\.\d+)?(ms|s|m|h|d))+")

if TYPE_CHECKING:
    from click import Context, Parameter


class DurationType(click.ParamType[float]):
    """`300ms`, `60s`, `2m`; here a bare number is seconds, as everywhere on a command line."""

    name = "duration"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        if isinstance(value, float):
            return value
        from devgate.model.units import parse_duration

        text = str(value)
        try:
            return parse_duration(f"{text}s" if text.replace(".", "", 1).isdigit() else text)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class SizeType(click.ParamType[int]):
    """`512B`, `64KiB`, `10MB`; here a bare number is bytes."""

    name = "size"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> int:
        if isinstance(value, int):
            return value
        from devgate.model.units import parse_size

        text = str(value)
        try:
            return parse_size(f"{text}B" if text.isdecimal() else text)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class WaitCommand(click.Command):
    """A command with `--wait[=60s]`: what an option need not have is joined to it by `=`.

    click takes the next word, whatever it is: `up -d --wait demo` would wait for so long as "demo". A duration as the next word
    is taken still: nothing else can be meant.
    """

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        for place in [place for place, word in enumerate(args[:end]) if word == "--wait"]:
            if place + 1 >= end or not _DURATION.fullmatch(args[place + 1]):
                args[place] = "--wait=60s"
        return super().parse_args(ctx, args)


class VariableType(click.ParamType[tuple[str, str]]):
    """`NAME=value`."""

    name = "variable"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not NAME=value", param, ctx)
        return name, text


DURATION = DurationType()
SIZE = SizeType()
VARIABLE = VariableType()

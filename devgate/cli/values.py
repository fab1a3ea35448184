"""Kinds of values that options take, beyond click's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

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

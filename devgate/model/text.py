"""Text as profiles hold it: values of variables, and lists in which one text may stand alone."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from devgate.model.units import one_or_many


def _as_text(value: Any) -> Any:
    """A variable is text; `true` stays `true`, where Python would say `True`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text)]
Environment = dict[str, Text | None]
Texts = Annotated[tuple[str, ...], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])]
"""A list of texts; one of them may stand without brackets."""

"""The base of everything a profile can say."""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Frozen, strict about unknown keys, documented by the docstring below each field.

    The docstrings are read by `profile.reference` when somebody asks for the schema; pydantic's own switch for that parses the
    source of every class at import, which `devgate up` would pay for at each start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

"""What a user has settled for every screen: keys and theme. Neither belongs into a profile, which a team shares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS: Final = "DEVGATE_KEYS"
THEME: Final = "DEVGATE_THEME"


def keys_file(environ: Mapping[str, str] = os.environ) -> Path:
    """`$DEVGATE_KEYS`, else `keys.toml` in the user's folder of configuration; it need not exist."""
    if named := environ.get(KEYS):
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path("devgate", appauthor=False) / "keys.toml"


def theme(environ: Mapping[str, str] = os.environ) -> str:
    """`$DEVGATE_THEME`; empty: the screen chooses."""
    return environ.get(THEME, "")

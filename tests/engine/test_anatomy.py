"""What one service was told, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.engine.anatomy import anatomy
from devgate.profile.loading import load

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = """\
env: {LOG_LEVEL: debug}
env_file: [.env]
services:
  api:
    command: [api]
    port: 6688
    env: {JWT_SECRET: correct-horse-battery, MODE: fast}
"""


def test_config_and_env_name_who_has_set_them(tmp_path: Path):
    (tmp_path / "devgate.yaml").write_text(PROFILE)
    (tmp_path / ".env").write_text("FROM_FILE=1\n")
    loaded = load(None, cwd=tmp_path, environ={})
    env = {
        "LOG_LEVEL": "debug", "JWT_SECRET": "correct-horse-battery", "MODE": "slow", "PORT": "6688", "HOME": "/h",
        "FROM_FILE": "1", "DEVGATE_URL": "http://127.0.0.1:1", "CHAT_URL": "http://127.0.0.1:2",
    }  # fmt: skip
    found = anatomy(loaded, "api", env=env, inherited={"HOME": "/h"}, overrides={"MODE": "slow"}, cwd=tmp_path)
    assert any("port: 6688" in line and "devgate.yaml:6" in line for line in found.config)
    assert not any("correct-horse" in line for line in found.config)
    origins = {each.name: each.origin for each in found.env}
    assert origins == {
        "CHAT_URL": "devgate", "DEVGATE_URL": "devgate", "FROM_FILE": "env file", "JWT_SECRET": "devgate.yaml:7",
        "LOG_LEVEL": "devgate.yaml:1", "MODE": "-e", "PORT": "devgate",
    }  # fmt: skip
    assert found.inherited == ("HOME",)
    assert "correct-horse" not in str(found)

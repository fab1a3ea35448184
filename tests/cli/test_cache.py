"""`devgate cache`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.model.snapshot import CacheRow

if TYPE_CHECKING:
    from tests.cli.conftest import Cli
    from tests.tui.fake_control import FakeControl


def test_shows_what_is_kept(cli: Cli, running: FakeControl) -> None:
    assert cli("cache").out == "0 answers kept in 0.0 MiB of 0.0 MiB; 0 hits\n"
    running.change(cache=CacheRow(12, 2**20, 2**26, 1500, 500))
    found = cli("cache")
    assert (found.code, found.out) == (0, "12 answers kept in 1.0 MiB of 64.0 MiB; 1,500 hits, 75% of 2,000 requests\n")
    assert cli("cache", "--json").json() == {"answers": 12, "bytes": 2**20, "limit": 2**26, "hits": 1500, "misses": 500}


def test_drops_it(cli: Cli, running: FakeControl) -> None:
    assert cli("cache", "clear").out == "3 answers dropped\n"
    assert cli("cache", "clear", "/api").code == 0
    assert running.asked == [("clear cache", ""), ("clear cache", "/api")]

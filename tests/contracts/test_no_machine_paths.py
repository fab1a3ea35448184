"""No file names a place that only one machine has, nor the host that packages are to be fetched from."""

import re
import subprocess
from pathlib import Path

from tests.tools import require_tool

ROOT = Path(__file__).parents[2]

HOSTS = "|".join(rf"{name}\.{end}" for name, end in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org")])
HERE = "|".join(re.escape(str(folder)) for folder in (Path.home(), ROOT))
FORBIDDEN = re.compile(
    rf"""
      (?<![\w.~}}]) (?: /root | /work | /workspace | /home/[\w.-]+ | /Users/[\w.-]+ | {HERE} ) /
    | \b[A-Z]:[\\/]+Users[\\/]
    | \b(?: {HOSTS} )\b
    | -{{1,2}}(?: (?:extra-)?index | find )-(?: url | links )\b
    """,
    re.VERBOSE,
)
"""A person's or a machine's folder (after a name, a dot or a brace it is a part of a longer path); a package registry; an
option that names one."""


def test_tracked_files_name_no_machine_and_no_registry():
    git = require_tool("git")
    listed = subprocess.run([git, "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True).stdout
    found = []
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if not path.is_file():  # the end of the list; or deleted, and not yet committed as such
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{name}:{number}: {match[0]}"
            for number, line in enumerate(text.splitlines(), 1)
            for match in FORBIDDEN.finditer(line)
        ]
    assert not found, "\n".join(found)


def test_the_rule_finds_what_it_forbids():
    """A pattern that matches nothing would pass on every tree."""
    wrong = ["/roo" + "t/x", "cd /hom" + "e/ann/x", "/User" + "s/ann/x", "C:\\User" + "s\\ann", "--index" + "-url x"]
    assert [text for text in wrong if not FORBIDDEN.search(text)] == []
    right = ["GET /api/home/feed/", "./wor" + "k/", "~/wor" + "k/", "{path}/roo" + "t/"]
    assert [text for text in right if FORBIDDEN.search(text)] == []

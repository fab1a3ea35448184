"""The limit of open files, each time in a process of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

PROGRAM = """
import resource, sys
from devgate.descriptors import raise_limit
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
raise_limit(wanted)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "result"),
    [(200, 400, 300, "300 400"), (200, 250, 300, "250 250"), (350, 400, 300, "350 400"), (300, 300, 300, "300 300")],
)
def test_it_is_raised_as_far_as_it_may_be_and_never_lowered(soft: int, hard: int, wanted: int, result: str) -> None:
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard), str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == result

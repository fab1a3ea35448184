"""Files that hold what passed through the gateway: readable by their owner alone, though secrets are masked in them."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from devgate.errors import CommandError
from devgate.inspection.har import archive

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from devgate.model.detail import RequestDetail


def name_for(detail: RequestDetail) -> str:
    """A file name that tells the request."""
    return f"devgate-{re.sub('[^A-Za-z0-9-]', '', detail.row.request_id)[:40] or detail.row.seq}.har"


def har(details: Iterable[RequestDetail]) -> str:
    return json.dumps(archive(details), indent=1) + "\n"


def save(file: Path, details: Iterable[RequestDetail]) -> None:
    """Write an archive, in place of one that was there.

    Raises:
        CommandError: it cannot be written.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(har(details))
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error

"""Why a service cannot be started, where trying again would not mend it."""

from __future__ import annotations

from devgate.errors import DevgateError, Exit


class CannotStartError(DevgateError):
    """Leads to the state `blocked`. `code` tells the reasons apart: `port-in-use`, `missing-command`, `missing-cwd`,
    `missing-env-file`, `not-executable`, `bad-env-file`."""

    code = "blocked"
    exit_code = Exit.SERVICE_BLOCKED
    status = 409

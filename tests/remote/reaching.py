"""The far side of a control API in a test: a `Control` that asks another one over HTTP."""

from __future__ import annotations

from devgate.remote.control import RemoteControl
from devgate.remote.link import LoopbackHttp
from tests.admin.running import TOKEN


def remote_to(url: str, *, token: str = TOKEN) -> RemoteControl:
    return RemoteControl(LoopbackHttp(url, token), lambda event: None)

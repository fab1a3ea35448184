"""Starts what is awaited longer than a paint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual.dom import DOMNode
    from textual.worker import Worker


def start(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str, *, exclusive: bool = False) -> None:
    """Run `work` as a worker of `node`, with which it ends; a failure never ends the app, so `work` has to report its own.

    It takes the function and not the coroutine: a worker that is replaced before it began would leave one that nobody awaits.
    """
    run = cast("Callable[..., Worker[None]]", node.run_worker)
    run(work, group=group, exclusive=exclusive, exit_on_error=False)

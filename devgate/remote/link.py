"""Questions over HTTP, answers as values: the way from here to a control API.

HTTP/1.0 over asyncio's streams: one question, one connection, the answer ends with it. That is all the API needs, and loads in
10 ms beyond asyncio where aiohttp's client takes 200 ms of CPU: `devgate status` is felt as one keystroke, and `attach`, which
asks a few times a second on loopback, loses nothing by it.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from devgate.errors import CommandError, DevgateError, Exit, ProfileError
from devgate.model import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

ANSWER_S: Final = 10.0
"""How long a question may take that nothing has to happen for."""
GONE: Final = "not-running"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class Transport(Protocol):
    async def ask(self, method: str, target: str, body: bytes, timeout_s: float | None) -> Answer:
        """Raises CommandError where there is no whole answer."""
        ...


class LoopbackHttp:
    """`Transport` to `url`, which must be the address from a run file."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"

    async def ask(self, method: str, target: str, body: bytes, timeout_s: float | None) -> Answer:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ask(method, target, body)
        except ConnectionRefusedError:
            raise lost("devgate is not running any more", GONE) from None
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            if isinstance(error, TimeoutError) and timeout_s is not None:
                raise lost(f"devgate does not answer within {timeout_s:g} s", "no-answer") from None
            raise lost("devgate ended or closed the connection before it answered", "connection-lost") from None

    async def _ask(self, method: str, target: str, body: bytes) -> Answer:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            head = f"{method} {target} HTTP/1.0\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode("latin-1") + body)
            status, length = _read_head(await reader.readuntil(b"\r\n\r\n"))
            return Answer(status, await reader.readexactly(length))
        finally:
            writer.close()


class Link:
    """Questions and answers as values; a refusal is raised as it was there."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, kind: type[T], path: str, query: Mapping[str, object], timeout_s: float = ANSWER_S) -> T:
        target = f"{path}?{urlencode(query, doseq=True, errors='replace')}" if query else path
        return understood(kind, await self.ask("GET", target, timeout_s=timeout_s))

    async def post(self, path: str, body: Mapping[str, object], timeout_s: float | None = None) -> Any:
        return await self.ask("POST", path, wire.encode(body).encode(), timeout_s)

    async def ask(self, method: str, target: str, body: bytes = b"", timeout_s: float | None = None) -> Any:
        answer = await self._transport.ask(method, target, body, timeout_s)
        try:
            data = json.loads(answer.body) if answer.body else None
        except ValueError as error:
            raise _strange(error) from None
        if answer.status >= 400:
            raise _refusal(answer.status, data)
        return data


def understood(kind: type[T], data: object) -> T:
    """Raises CommandError where the other end speaks another language."""
    try:
        return wire.decode(kind, data)
    except ValueError as error:
        raise _strange(error) from None


def lost(message: str, code: str) -> CommandError:
    """There is no answer."""
    hint = "start it with `devgate up`" if code == GONE else ""
    exit_code = Exit.TIMEOUT if code == "no-answer" else Exit.NOT_RUNNING
    return CommandError(message, hint=hint, code=code, exit_code=exit_code, status=503)


def _strange(error: ValueError) -> CommandError:
    return CommandError(
        f"devgate's answer makes no sense: {error}",
        hint="is the running one of another version? `devgate down`, then `devgate up`",
        code="strange-answer",
        status=502,
    )


def _read_head(head: bytes) -> tuple[int, int]:
    """Status and body length (RFC 9112 4, 6.2)."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, status = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("not HTTP")
    length = 0
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    return int(status[:3]), length


def _refusal(status: int, data: Any) -> DevgateError:
    """The error that problem+json carries."""
    document = data if isinstance(data, dict) else {}
    message = str(document.get("detail") or f"devgate answered with status {status}")
    hint = str(document.get("hint") or "")
    if "problems" in document:
        return ProfileError(message, tuple(map(str, document["problems"])), hint=hint)
    exit_code = document.get("exit_code")
    return CommandError(
        message,
        hint=hint,
        code=str(document.get("code") or "error"),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        status=status,
    )

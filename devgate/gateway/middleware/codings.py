"""The content codings that answers may get here: gzip always, br and zstd where their libraries are installed (extra
`compression`)."""

from __future__ import annotations

import sys
import zlib
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

_GZIP: Final = 16 + zlib.MAX_WBITS
_BROTLI_WINDOW: Final = 19
"""Half a megabyte: more costs each answer memory and gains little on what pages fetch."""


class Encoder(Protocol):
    """One body on its way. Any of these may give nothing yet."""

    def feed(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes:
        """What is needed to read all that was fed."""
        ...

    def end(self) -> bytes: ...


@cache
def installed() -> frozenset[str]:
    """The codings that can be made here."""
    found = {"gzip"}
    if find_spec("brotli") is not None:
        found.add("br")
    if sys.version_info >= (3, 14) or _is_there("backports.zstd"):
        found.add("zstd")
    return frozenset(found)


def offered(wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of the `wanted` codings that can be made here."""
    return tuple(name for name in wanted if name in installed())


def encoder(coding: str, level: int) -> Encoder:
    """For an offered coding; `level` from 1, fast, to 9, small."""
    if coding == "br":
        return _Brotli(level)
    return _Zstd(level) if coding == "zstd" else _Gzip(level)


class _Gzip:
    def __init__(self, level: int) -> None:
        self._zip = zlib.compressobj(level, zlib.DEFLATED, _GZIP)

    def feed(self, data: bytes) -> bytes:
        return self._zip.compress(data)

    def flush(self) -> bytes:
        return self._zip.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._zip.flush()


class _Brotli:
    def __init__(self, level: int) -> None:
        import brotli

        self._zip = brotli.Compressor(quality=level, lgwin=_BROTLI_WINDOW)

    def feed(self, data: bytes) -> bytes:
        return bytes(self._zip.process(data))

    def flush(self) -> bytes:
        return bytes(self._zip.flush())

    def end(self) -> bytes:
        return bytes(self._zip.finish())


class _Zstd:
    def __init__(self, level: int) -> None:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd

        self._zip = zstd.ZstdCompressor(level=level)  # its window stays below the 8 MiB that RFC 9659 allows

    def feed(self, data: bytes) -> bytes:
        return bytes(self._zip.compress(data))

    def flush(self) -> bytes:
        return bytes(self._zip.flush(self._zip.FLUSH_BLOCK))

    def end(self) -> bytes:
        return bytes(self._zip.flush(self._zip.FLUSH_FRAME))


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is the package that it would be in
        return False

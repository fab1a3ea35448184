"""How one request meets the store: what it finds there, what it asks the service instead, and what its answer leaves behind."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from devgate.gateway.cache.recording import Recording, confirmed, dated
from devgate.gateway.cache.store import Owner
from devgate.gateway.headers import read_response
from devgate.gateway.reply import answer_head, is_event_stream
from devgate.gateway.upstream.response import Framing, ResponseHead
from devgate.policy.cache_control import directives
from devgate.policy.freshness import CREDENTIALS, carries_credentials, for_everybody, judge, values, why_not
from devgate.policy.preconditions import CONDITIONS, not_modified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devgate.gateway.cache.store import Entry, Store
    from devgate.gateway.exchange import Exchange
    from devgate.gateway.lane import Lane
    from devgate.gateway.screened import Screened
    from devgate.model.caching import CacheSpec

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_UNCONDITIONAL: Final = frozenset({b"if-none-match", b"if-modified-since"})
"""The only conditions that a kept answer can decide."""
_IN_304: Final = frozenset({b"cache-control", b"content-location", b"date", b"etag", b"expires", b"vary"})
"""What a 304 tells of the answer that the client has (RFC 9110 15.4.5)."""


class Visit:
    """One request to a route that keeps answers.

    Args:
        lane: of the side of a split that it is on.
        now: monotonic seconds.
    """

    def __init__(self, exchange: Exchange, lane: Lane, spec: CacheSpec, store: Store, now: float) -> None:
        request = exchange.raw_headers
        self.exchange = exchange
        self.lane = lane
        self.uri = exchange.path + exchange.query
        self.owner = Owner(lane.route.id, lane.backend.name, exchange.host, _identity(request, spec))
        self.spec = spec
        self.asked = directives(values(request, b"cache-control"))
        self.forward = _bypass(exchange)
        """Why the service is asked, as `Cache-Status` has it (RFC 9211 2.2); empty while it need not be."""
        self.recording: Recording | None = None
        self._store = store
        self._request = request
        self._asked_at = now
        self._personal = spec.authorized == "standard" and carries_credentials(request)
        self.entry: Entry | None = None
        """What is kept for it, fresh or not."""
        if not self.forward:
            self.look(now)

    @property
    def key(self) -> tuple[bytes, Owner]:
        """What requests for the same thing have in common."""
        return self.uri, self.owner

    @property
    def takes_part(self) -> bool:
        """Whether its answer may come from the store, or go there."""
        return self.forward not in ("method", "bypass")

    @property
    def joins(self) -> bool:
        """Whether it may wait for what another request brings."""
        return self.forward in ("uri-miss", "vary-miss", "stale") and self.exchange.method == "GET"

    def look(self, now: float) -> bool:
        """Look into the store. True: `entry` may be served as it is."""
        self.entry = entry = self._store.find(self.uri, self.owner, self._request)
        if entry is not None and self._personal and not for_everybody(entry.head.headers):
            self.entry, self.forward = None, "request"  # it is what somebody unknown was given
        elif entry is None:
            self.forward = "vary-miss" if self._store.holds(self.uri, self.owner) else "uri-miss"
        elif not entry.outdated and entry.freshness.fresh(self.asked, now):
            self.forward = ""
        else:
            good = not entry.outdated and not entry.freshness.revalidate and entry.freshness.left_s(now) > 0
            self.forward = "request" if good else "stale"
        return not self.forward

    # Asking the service

    def ask(self) -> bytes | None:
        """The passing lines of a request that asks whether the kept answer is still good; None where there is nothing to ask, or
        the client asks by itself."""
        entry = self.entry
        if entry is None or not self.takes_part:
            return None
        etag, modified = entry.header(b"etag"), entry.header(b"last-modified")
        if not etag and not modified:
            return None
        lines = [
            line
            for line in self.exchange.greeting.passing.split(b"\r\n")
            if line and line.partition(b":")[0].lower() not in _UNCONDITIONAL
        ]
        if etag:
            lines.append(b"If-None-Match: %b" % etag)
        if modified:
            lines.append(b"If-Modified-Since: %b" % modified)
        return b"".join(b"%b\r\n" % line for line in lines)

    def confirm(self, attempt: Screened, head: ResponseHead, now: float, wall: float) -> None:
        """The service says that the kept answer is still good."""
        entry = self.entry
        assert entry is not None
        renewed = confirmed(entry.head, dated(head, wall))
        freshness = judge(renewed.headers, self.spec, asked_at=self._asked_at, now=now, wall=wall)
        self._store.renew(entry, renewed, freshness, attempt.instance)

    def record(self, attempt: Screened, head: ResponseHead, now: float, wall: float) -> str:
        """Begin to keep an answer that is about to pass, if it may be kept; else why not. Of HEAD there is nothing to keep: its
        answer would serve other HEADs alone, and those are served from what a GET has left."""
        self._store.misses += 1
        exchange, spec = self.exchange, self.spec
        if exchange.method != "GET":
            return "only GET is kept"
        if is_event_stream({name.lower(): value for name, value in head.headers}):
            return "a stream"
        if why := why_not(self.asked, self._request, head.status, head.headers, spec):
            return why
        if head.length is not None and head.length > spec.max_item:
            return "too large"
        freshness = judge(head.headers, spec, asked_at=self._asked_at, now=now, wall=wall)
        useful = any(values(head.headers, name) for name in (b"etag", b"last-modified"))
        if freshness.left_s(now) <= 0 and not useful and not freshness.stale_s:
            return "it is not fresh"
        self.recording = Recording(
            self._store,
            spec.max_item,
            self.uri,
            self.owner,
            self._request,
            dated(head, wall),
            attempt.origins,
            freshness,
            attempt.instance,
        )
        return ""

    # Answering

    def serve(self, now: float, *, status: bytes, mark: bytes, lines: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """Answer with what is kept.

        Args:
            status: parameters of `Cache-Status`.
            mark: for `X-Cache`.
            lines: further fields.
        """
        exchange, entry = self.exchange, self.entry
        assert entry is not None
        fields = [*entry.head.headers, (b"Age", b"%d" % entry.freshness.age_s(now)), *lines]
        fields += status_fields(status, mark)
        if_none_match = exchange.header(b"if-none-match")
        code, body = entry.head.status, entry.body
        if code == 200 and not_modified(
            if_none_match, exchange.header(b"if-modified-since"), entry.header(b"etag"), entry.header(b"last-modified")
        ):
            code, body = 304, b""
            ours = {b"age", b"cache-status", b"x-cache", *(name.lower() for name, _ in lines)}
            fields = [field for field in fields if field[0].lower() in _IN_304 | ours]
        framing = Framing.NONE if code in (204, 304) else Framing.LENGTH
        head = ResponseHead(
            "1.1",
            code,
            entry.head.reason if code != 304 else b"Not Modified",
            fields,
            framing,
            None if framing is Framing.NONE else len(body),
            keep=True,
        )
        exchange.status = code
        read = read_response(fields, keep_cors=self.lane.cors.keeps_upstream)
        out = answer_head(exchange, self.lane, head, read, entry.origins, chunked=False)
        if exchange.method == "HEAD":
            body = b""
        exchange.sent = len(body)
        exchange.started = True
        self._store.hits += 1
        exchange.answered = out + body
        exchange.client.write(exchange.answered)

    def hit(self, now: float) -> None:
        """Answer with a fresh one."""
        assert self.entry is not None
        left = self.entry.freshness.left_s(now)
        mark = b"HIT" if left > 0 else b"STALE"
        self.serve(now, status=b"hit; ttl=%d" % left + self._forced, mark=mark)

    @property
    def _forced(self) -> bytes:
        forced = self.entry is not None and self.entry.freshness.forced
        return b'; detail="force_ttl"' if forced else b""


def forget(store: Store, exchange: Exchange, head: ResponseHead, origins: tuple[bytes, ...]) -> int:
    """An unsafe request has succeeded: what is kept of its URI may be wrong now, and of those that the answer names here
    (RFC 9111 4.4). Returns how much was kept of them.

    Args:
        origins: what the service may call itself.
    """
    gone = store.forget(exchange.path + exchange.query)
    for name in (b"location", b"content-location"):
        for value in values(head.headers, name):
            for origin in (*origins, b"http://" + exchange.host):
                if value.startswith(origin):
                    value = value[len(origin) :]
                    break
            if value.startswith(b"/") and not value.startswith(b"//"):
                gone += store.forget(value.partition(b"#")[0])
    return gone


def status_fields(parameters: bytes, mark: bytes) -> list[tuple[bytes, bytes]]:
    """`Cache-Status` (RFC 9211), and `X-Cache` for eyes."""
    return [(b"Cache-Status", b"devgate; " + parameters), (b"X-Cache", mark)]


def conditional(exchange: Exchange, passing: bytes) -> None:
    """Have `exchange` ask for what `Visit.ask` said. Its greeting is shared with the connection's other requests."""
    exchange.greeting = replace(exchange.greeting, passing=passing)


def _bypass(exchange: Exchange) -> str:
    if exchange.method not in ("GET", "HEAD"):
        return "method"
    if exchange.upgrade or exchange.body is not None:
        return "bypass"
    for name, _ in exchange.raw_headers:
        key = name.lower()
        if key == b"range" or (key in CONDITIONS and key not in _UNCONDITIONAL):
            return "bypass"  # parts, and conditions that are the service's to judge
    return ""


def _identity(request: Sequence[tuple[bytes, bytes]], spec: CacheSpec) -> bytes:
    """Of the credentials that a request carries; empty where it does not matter, or there are none."""
    if spec.authorized != "per-user":
        return b""
    digest = hashlib.blake2b(digest_size=16)
    found = False
    for name, value in request:
        if name.lower() in CREDENTIALS:
            digest.update(b"%b\0%b\0" % (name.lower(), value))
            found = True
    return digest.digest() if found else b""

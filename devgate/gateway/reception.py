"""What is asked of a request before anything is known of its service: who is called, who asks, and what for.

The order is `pipeline`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devgate.gateway import request_id
from devgate.gateway.failures import Failure
from devgate.gateway.greeting import greet
from devgate.gateway.headers import ends_here
from devgate.gateway.rules import ALLOW
from devgate.gateway.table import NoMatch
from devgate.policy.cors import explain_refusal
from devgate.policy.host import HostVerdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from devgate.gateway.exchange import Exchange
    from devgate.gateway.rules import Errand, Rules
    from devgate.gateway.table import Match
    from devgate.policy.cors import CorsPolicy


def receive(rules: Rules, exchange: Exchange, mint: Callable[[], bytes]) -> Errand | None:
    """Everything that is asked of any request. None if that was all: a preflight, or one about the gateway as such.

    Args:
        mint: makes ids for requests that bring none, or none that is harmless.

    Raises:
        Failure: it goes no further.
    """
    client, method = exchange.client, exchange.method
    greeting = client.greeting
    if greeting is None or greeting.rules is not rules or greeting.raw != exchange.raw_headers:
        greeting = client.greeting = greet(exchange.raw_headers, rules)
    exchange.greeting = greeting
    noted = greeting.noted
    given = noted.get(b"x-request-id")
    exchange.id = mint() if given is None or not request_id.accepted(given) else given
    errand, fault = None, None
    try:
        errand = rules.read(method, exchange.target)
    except Failure as failure:
        fault = failure
    host, called, cors = greeting.host, greeting.called, greeting.cors
    if errand is not None and errand.authority is not None:  # it counts, whatever Host says (RFC 9112 3.2.2)
        host = errand.authority
        called, cors = rules.hosts.judge(host), None
    if called is not HostVerdict.OURS and (host or not exchange.http10):
        raise _foreign_host(host, called)
    origin = noted.get(b"origin")
    exchange.host = host
    exchange.cors = cors = cors or rules.cors.judge(origin, host)
    if fault is not None or errand is None:
        raise fault or AssertionError
    if b"transfer-encoding" in noted:
        _check_coding(exchange, noted[b"transfer-encoding"])
    exchange.path, exchange.query = errand.path, errand.query
    if exchange.upgrade and noted.get(b"upgrade", b"").lower() != b"websocket":
        exchange.upgrade = False  # h2c and the like: an offer that may be declined, and is (RFC 9110 7.8)
        exchange.close = True  # what follows the head is lost in aiohttp's parser
    if method == "OPTIONS":
        if origin is not None and (asked := noted.get(b"access-control-request-method")) is not None:
            _answer_preflight(rules.cors, exchange, asked)
            return None
        if errand.path == b"*" or ends_here(noted):
            exchange.answer(204, b"%bX-Request-ID: %b\r\n%b" % (ALLOW, exchange.id, cors.lines))
            return None
    if not cors.allowed and cors.refuses(method, upgrade=exchange.upgrade):
        sentence, hint = explain_refusal(cors.origin, rules.cors.origins)
        raise Failure("origin-not-allowed", sentence, hint=hint, stage="cors")
    return errand


def _check_coding(exchange: Exchange, coding: bytes) -> None:
    """Refuse a body whose framing cannot be trusted (RFC 9112 6.1)."""
    if exchange.http10 or coding.lower() != b"chunked":
        why = "HTTP/1.0 knows none" if exchange.http10 else "only chunked is understood"
        raise Failure("bad-request", f"The Transfer-Encoding is refused: {why}.", stage="syntax")


def choose(rules: Rules, exchange: Exchange) -> Match:
    """The route, where host and headers have a say in it."""
    found = rules.table.match(exchange.method, exchange.path, exchange.host, exchange.raw_headers)
    if isinstance(found, NoMatch):
        raise _no_route(rules, exchange, found)
    return found


def _answer_preflight(cors: CorsPolicy, exchange: Exchange, asked: bytes) -> None:
    noted = exchange.greeting.noted
    verdict = exchange.cors
    assert verdict is not None
    private = noted.get(b"access-control-request-private-network", b"").lower() == b"true"
    granted = cors.preflight(verdict, asked, noted.get(b"access-control-request-headers"), private_network=private)
    if granted.refusal:
        # A bare 204 would refuse as well; this shows in the browser's network panel.
        raise Failure("origin-not-allowed", granted.refusal, hint=granted.hint, stage="preflight", cors=False)
    exchange.answer(204, b"X-Request-ID: %b\r\n%b" % (exchange.id, granted.lines))


def _foreign_host(host: bytes, verdict: HostVerdict) -> Failure:
    name = host.decode("latin-1")
    if verdict is HostVerdict.MALFORMED:
        return Failure("bad-request", "The Host header is malformed.", stage="host", cors=False)
    return Failure(
        "host-not-allowed",
        f"The gateway is not called {name!r}.",
        hint="call it by its address or localhost, or add the name to gateway.hosts",
        stage="host",
        cors=False,
    )


def _no_route(rules: Rules, exchange: Exchange, found: NoMatch) -> Failure:
    path = exchange.path.decode("utf-8", "replace")
    if found.allow:
        allow = ", ".join(found.allow)
        return Failure(
            "method-not-allowed",
            f"{path} takes {allow}, not {exchange.method}.",
            stage="route",
            lines=b"Allow: %b\r\n" % allow.encode(),
        )
    near = rules.table.nearest(exchange.path) if rules.hints else ()
    hint = f"the nearest routes are {', '.join(near)}" if near else ""
    return Failure("no-route", f"No route matches {exchange.method} {path}.", hint=hint, stage="route")

"""What was decided for a request, and why, in the order in which it happened: read off what is remembered of it. Pure.

Nothing is worked out while the request is served that can be worked out when somebody looks: why its route has won is asked of
the routing table then. `Trace.steps` holds only what nobody could know later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devgate.gateway.capture import PLAIN, Trial
from devgate.model.detail import Decision
from devgate.model.units import format_duration
from devgate.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from devgate.gateway.capture import Note, Raw
    from devgate.gateway.table import Explanation
    from devgate.model.query import RequestRow
    from devgate.policy.limiter import Verdict

_ENDS: Final = {
    "cut": "ended by devgate, because the service or devgate itself stops",
    "fault": "broken off by the fault on demand",
    "truncated": "the service broke off in the middle of its answer",
}
"""What ended a request without an answer of the gateway."""
_SO_FAR: Final = {
    "gateway": "devgate has not sent it on yet",
    "held": "{} is not ready",
    "queued": "no connection to {} is free",
    "waiting": "{} has not answered yet",
}
"""What a request under way waits for, by its state."""
_THEN: Final = {
    "replay": "sent again on another connection",
    "wait": "waited, then sent again",
    "give up": "given up",
    "retry": "tried again",
    "refused": "kept from the client",
}
MOST: Final = 3
"""Routes that are named which the request passed by."""


def decisions(row: RequestRow, raw: Raw | None, found: Explanation | None) -> Iterator[Decision]:
    """All that is known.

    Args:
        found: what the routing table says to such a request; None where it has another say today, or had none.
    """
    trace = raw.trace if raw is not None else PLAIN
    if raw is not None and raw.cors is not None and row.error != "origin-not-allowed":
        yield _origin(raw)
    if raw is not None and raw.quota is not None:
        yield from _limits(raw.quota.verdict, refused=row.error == "quota-exceeded")
    yield from _route(row, found)
    sent = row.replica >= 0 and (raw is None or bool(raw.sent[0]))
    before, after = trace.steps[: trace.sent_at], trace.steps[trace.sent_at :]
    yield from map(_step, before)
    if sent and not any(isinstance(one, Trial) for one in after):
        nth = f"attempt {len(trace.trials) + 1}: " if trace.trials else ""
        yield Decision("attempt", f"{nth}sent to {row.service} #{row.replica}")
    yield from map(_step, after)
    if row.state == "held":
        yield Decision("lifecycle", f"held for {row.held_ms:,.0f} ms so far", "warn")
    yield from _end(row, raw, answered=sent)


def _origin(raw: Raw) -> Decision:
    verdict = raw.cors
    assert verdict is not None
    if not verdict.origin:
        return Decision("cors", "no Origin: it does not come from a page")
    origin = redact_text(verdict.origin.decode("latin-1"))
    if verdict.allowed:
        return Decision("cors", f"{origin} is allowed")
    return Decision("cors", f"{origin} is not allowed, so its page cannot read the answer", "warn")


def _limits(verdict: Verdict, *, refused: bool) -> Iterator[Decision]:
    """Those that it was within, and those that would have refused it. The refusal itself is told at the end."""
    over = [one.rule for one in verdict.violated]
    within = [one for one in verdict.standings if all(one.rule is not rule for rule in over)]
    if within:
        told = ", ".join(
            f"{one.rule.name} ({one.remaining} of {one.rule.limit} left in {format_duration(one.rule.window_s)})"
            for one in within
        )
        yield Decision("limits", f"within {told}")
    if over and not refused:
        told = ", ".join(f"{rule.name} ({rule.limit} in {format_duration(rule.window_s)})" for rule in over)
        yield Decision("limits", f"over {told}, which is only told: gateway.limits.mode is report", "warn")


def _route(row: RequestRow, found: Explanation | None) -> Iterator[Decision]:
    if row.route:
        service = found.winner.spec.service if found is not None and found.winner is not None else row.service
        yield Decision("route", f"{row.route} leads to {service}")
    elif not row.error and row.state == "done":
        yield Decision("route", "none: devgate answered for itself")
    if found is None:
        return
    passed = [f"{one.route} ({one.why})" for one in found.candidates if not one.wins]
    if passed:
        more = f" and {len(passed) - MOST} more" if len(passed) > MOST else ""
        yield Decision("route", f"passed by: {', '.join(passed[:MOST])}{more}")


def _step(step: Note | Trial) -> Decision:
    if isinstance(step, Trial):
        then = _THEN.get(step.then, step.then)
        return Decision(
            "attempt", f"{step.service} #{step.replica} {step.kind}: {redact_text(step.detail)}; {then}", "warn"
        )
    return Decision(step.step, redact_text(step.text), step.mood)


def _end(row: RequestRow, raw: Raw | None, *, answered: bool) -> Iterable[Decision]:
    """How it ended; `answered`: what the client got came from the service, as far as it got anything."""
    stage, sentence, hint = raw.trace.why if raw is not None else PLAIN.why
    if row.error == "client-left" and row.kind != "http":  # a stream has no other end
        yield Decision("answer", f"{row.status} from {row.service or 'devgate'}, until the client ended it")
    elif row.error:
        said = (
            f"{row.error}: {sentence}" + (f" ({hint})" if hint else "") if sentence else _ENDS.get(row.error, row.error)
        )
        yield Decision(stage or "answer", redact_text(said), "warn" if row.error == "client-left" else "bad")
    elif row.state in _SO_FAR:
        yield Decision("answer", f"none yet: {_SO_FAR[row.state].format(row.service)}", "warn")
    elif row.status and row.state != "done":
        yield Decision("answer", f"{row.status} from {row.service or 'devgate'}, which goes on")
    elif row.status:
        refused = (
            ", which did not upgrade" if answered and row.kind == "http" and raw is not None and raw.upgrading else ""
        )
        yield Decision("answer", f"{row.status} from {row.service if answered else 'devgate'}{refused}")

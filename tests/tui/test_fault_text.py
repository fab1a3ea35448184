"""Faults as they are typed."""

import pytest

from devgate.model.fault import LASTS_S, Fault
from devgate.tui.fault_text import EXAMPLE, READY, parse


@pytest.mark.parametrize(
    ("text", "fault", "lasts_s"),
    [
        ("300ms", Fault(latency_s=0.3), LASTS_S),
        ("503 20% for:90s", Fault(status=503, share=0.2), 90.0),
        ("cut:0B", Fault(cut_bytes=0), LASTS_S),
        ("1m30s 64KiB/s uncounted", Fault(latency_s=90.0, throttle=65_536, count=False), LASTS_S),
        ("0.5s  0.5%", Fault(latency_s=0.5, share=0.005), LASTS_S),
    ],
)
def test_understood(text: str, fault: Fault, lasts_s: float) -> None:
    assert parse(text) == (fault, lasts_s)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs one of"),
        ("50%", "needs one of"),
        ("200", "200 is no error status"),
        ("soon", "'soon' is not understood"),
        ("999", "'999' is not understood"),
        ("5", "'5' is not understood"),
        ("3parsecs", "is not a duration"),
        ("cut:7", "no unit"),
        ("fast/s", "is not a size"),
        ("503 0%", "more than 0"),
        ("503 cut:1B", "nothing to cut"),
    ],
)
def test_not_understood(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(text)


def test_all_that_is_offered_can_be_had() -> None:
    for written in READY.values():
        parse(written)
    for word in EXAMPLE.split():
        if not word.startswith(("for:", "uncounted", "50%")):
            parse(word)

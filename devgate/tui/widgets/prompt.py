"""A line to type into: search, filter."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from devgate.tui.bindings import PROMPT, of
from devgate.tui.widgets.line import Line, Part


class Prompt(Horizontal):
    """Hidden until `ask`; says what is typed while it is typed, so that its effect is seen."""

    BINDINGS = of(PROMPT)
    DEFAULT_CSS = """
    Prompt { height: 1; display: none; }
    Prompt.-on { display: block; }
    Prompt > Input { width: 1fr; height: 1; border: none; padding: 0; }
    Prompt > #asked, Prompt > #refused { width: auto; }
    """

    @dataclass
    class Changed(Message):
        purpose: str
        text: str

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Prompt.Changed)

    @dataclass
    class Closed(Message):
        purpose: str

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._purpose = ""
        self._texts: dict[str, str] = {}
        self._asked = Line(id="asked")
        self._refused = Line(id="refused")
        self._input = Input(compact=True)
        self._input.cursor_blink = False  # a blink is a paint, twice a second, for nothing

    def compose(self):  # type: ignore[no-untyped-def]
        yield self._asked
        yield self._input
        yield self._refused

    def ask(self, purpose: str, label: str) -> None:
        """Open, with what was typed for this purpose the last time."""
        self._purpose = purpose
        self._asked.show([Part(((label, "key"),))])
        self._asked.styles.width = len(label) + 2
        self._input.value = self._texts.get(purpose, "")
        self.add_class("-on")
        self._input.focus()

    def refuse(self, reason: str) -> None:
        """Say why what is typed has no effect; empty: it has."""
        self._refused.show([Part(((reason, "bad"),))] if reason else [])
        self._refused.styles.width = min(len(reason) + 2, 64) if reason else 0

    def close(self) -> None:
        self.remove_class("-on")
        self.post_message(self.Closed(self._purpose))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._texts[self._purpose] = event.value
        self.post_message(self.Changed(self._purpose, event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()

    def action_clear(self) -> None:
        self._input.value = ""
        self.close()

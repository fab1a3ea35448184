"""The application: modes, theme, palette, commands. `session` runs it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.css.query import NoMatches
from textual.markup import escape
from textual.worker import WorkerFailed

from devgate.escape import visible
from devgate.tui import bindings, header
from devgate.tui.command_runner import CommandRunner
from devgate.tui.commands import COMMANDS, FORCING, targets
from devgate.tui.leaving import Leaving
from devgate.tui.screens.live import LiveScreen, active_keys
from devgate.tui.theme import THEMES, choose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from textual.actions import ActionParseResult
    from textual.dom import DOMNode
    from textual.driver import Driver
    from textual.screen import Screen

    from devgate.control import Control
    from devgate.model.snapshot import Snapshot

log = logging.getLogger(__name__)

NOTE_S = 20.0
"""How long a note of the start stays: nobody looks at the first second."""


def _view(name: str) -> Callable[[], Screen[Any]]:
    """A view is imported when it is first shown: the first paint waits for the overview alone."""

    def build() -> Screen[Any]:
        module = import_module(f"devgate.tui.screens.{name}")
        screen: Screen[Any] = getattr(module, name.capitalize())()
        return screen

    return build


class DevgateApp(App[None], inherit_bindings=False):
    """The screen of a devgate, wherever that runs.

    Args:
        control: what it shows and asks.
        keymap: a file with keys of one's own (see `keymap`).
        theme: name of a theme; empty: chosen by the environment.
        ascii_only: whether the terminal shows nothing but ASCII.
        ready: called after the first paint, and after the first one of each other view.
        attached: devgate runs in another process, which goes on without this screen.
        notes: what was said on stderr before the screen covered it.
    """

    TITLE = "devgate"
    CSS_PATH = "app.tcss"
    BINDINGS = bindings.of(bindings.APP)
    COMMAND_PALETTE_BINDING = "ctrl+p"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {name: _view(name) for name in bindings.VIEWS}
    DEFAULT_MODE = "overview"
    NOTIFICATION_TIMEOUT = 8

    def __init__(
        self,
        control: Control,
        *,
        keymap: Path | None = None,
        theme: str = "",
        ascii_only: bool = False,
        ready: Callable[[], None] | None = None,
        attached: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        self.ascii_only = ascii_only
        self.attached = attached
        # Textual picks its filter for NO_COLOR here, before there is a theme; the one for other themes would turn ours black.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.control = control
        self.commands = CommandRunner(self)
        self.leaving = Leaving(self)
        self.selected = ""
        """Name of the service that commands are for; shared by all views."""
        self.merged = False
        """Whether logs are shown merged."""
        self.sought = ""
        """Filter that the traffic view takes up when it next comes into sight."""
        self.windows: dict[str, tuple[int, int]] = {}
        """Columns and rows of services' terminals, as this screen has last made them."""
        self.animation_level = "none"  # a live view that slides costs paints and tells nothing
        self._painted = ready
        self._seen_views = {self.DEFAULT_MODE}
        self._mouse_left = False
        for each in THEMES:
            self.register_theme(each)
        self._notes = [("Before the screen", note) for note in notes]
        wanted = choose(os.environ, theme)
        if wanted not in self.available_themes:
            self._notes.append(("Theme", f"there is no theme {wanted}; there are {', '.join(self.available_themes)}"))
            wanted = choose(os.environ)
        self.theme = wanted
        self._keymap_file = keymap

    def get_driver_class(self) -> type[Driver]:
        if sys.platform == "win32" or "TEXTUAL_DRIVER" in os.environ:
            return super().get_driver_class()
        from devgate.tui.driver import Driver as NeverWaiting

        return NeverWaiting

    def on_ready(self) -> None:
        if self._keymap_file is not None:
            from devgate.tui.keymap import read

            keys, problems = read(self._keymap_file)
            self.set_keymap(keys)
            self._notes += [("Keys", problem) for problem in problems]
        for title, text in self._notes:
            harmless = "\n".join(map(visible, text.splitlines()))
            self.notify(harmless, title=title, severity="warning", timeout=NOTE_S, markup=False)
        if self._painted is not None:
            self._painted()

    @property
    def live(self) -> LiveScreen | None:
        """The view that is seen, if no dialog lies over it."""
        return self.screen if isinstance(self.screen, LiveScreen) else None

    def after_snapshot(self, snapshot: Snapshot) -> None:
        """The screen stays up while services stop, and leaves with the last of them."""
        if snapshot.stopping and header.settled(snapshot):
            self.exit()

    # --- commands ------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        live = self.live
        if action == "command" and live is not None:
            command = COMMANDS[str(parameters[0])]
            needs_one = command.fits is not None and not command.many
            service = str(parameters[1]) if len(parameters) > 1 else self.selected
            return (live.on_services or not needs_one) and bool(targets(command, live.snapshot, service))
        return True

    def action_command(self, name: str, service: str = "") -> None:
        self.commands.run(name, self.live.snapshot if self.live is not None else None, service or self.selected)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: the keys of everywhere that would do something, the likely commands for every service, the themes."""
        snapshot = screen.snapshot if isinstance(screen, LiveScreen) else None
        beside = {"screen.interrupt", "screen.palette", "view.profiles", *(() if self.attached else ("screen.detach",))}
        for binding in bindings.APP.table:
            command = COMMANDS.get(binding.action.removeprefix("command('").removesuffix("')"))
            if binding.id in beside or (command is not None and not targets(command, snapshot, self.selected)):
                continue
            run = partial(self.run_action, binding.action)
            yield SystemCommand(binding.description.capitalize(), binding.tooltip, run)
        for row in snapshot.services if snapshot is not None else ():
            likely = ("start", "stop", "restart", "kill", "adopt", "take", "start_dependents", "stop_dependents")
            for name in (*likely, *(FORCING if row.name == self.selected else ())):
                if targets(COMMANDS[name], snapshot, row.name):
                    run = partial(self.run_action, f"command({name!r}, {row.name!r})")
                    yield SystemCommand(
                        escape(f"{COMMANDS[name].verb.capitalize()} {visible(row.name)}"),
                        f"now: {row.state.value}",
                        run,
                    )
        yield SystemCommand("Theme", "Change the colours.", self.action_change_theme)

    # --- actions -------------------------------------------------------------------------------------------------

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """A key that runs into a bug, ours or Textual's, costs what it would have done and not the screen."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:
            log.exception("the action %s failed", action)
            self.notify(
                f"{error!r}; the details are printed when the screen ends",
                title="That key failed",
                severity="error",
                markup=False,
            )
            return True

    async def _process_messages(self, *args: Any, **options: Any) -> None:
        """From Python 3.12 on Textual has every task of the loop start within the call that makes it. The loop is not only its
        own: gateway and supervisor count on what they make to begin later, as in 3.11; and uvloop hands the factory of 3.13.0 a
        word that it does not know, so that no task can be made at all."""
        asyncio.get_running_loop().set_task_factory(None)
        await super()._process_messages(*args, **options)

    def _handle_exception(self, error: Exception) -> None:
        """What nobody has caught ends the screen, but for the failure of a worker, which ends what it worked for. Our own report
        theirs; what is left is Textual's palette, which may still be searching when it has been closed."""
        if isinstance(error, WorkerFailed):
            gone = isinstance(error.error, NoMatches)
            log.log(logging.DEBUG if gone else logging.ERROR, "a worker of the screen failed", exc_info=error.error)
            return
        log.critical("the screen failed", exc_info=error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """The log has it. Textual's own report lists every variable at hand, and the control API's token may be one."""
        self.bell()
        self._close_messages_no_wait()

    def action_view(self, name: str) -> None:
        if self.live is None:
            return
        self.switch_mode(name)
        if name not in self._seen_views:
            self._seen_views.add(name)
            if self._painted is not None:
                self.call_after_refresh(self._painted)

    def action_mouse(self) -> None:
        """Give the mouse to the terminal, which then selects and copies as everywhere else; or take it back."""
        driver = self._driver  # Textual has no public switch for this
        name = "_enable_mouse_support" if self._mouse_left else "_disable_mouse_support"
        switch = getattr(driver, name, None)
        if switch is not None:
            switch()
            self._mouse_left = not self._mouse_left
            self.notify(
                "The mouse is the terminal's; m takes it back." if self._mouse_left else "The mouse is devgate's."
            )

    def action_reload(self) -> None:
        self.commands.reload()

    def action_help(self) -> None:
        from devgate.tui.dialogs import Help

        self.push_screen(Help(active_keys(self.screen), _short(self._keymap_file), self.size.width))

    def action_detach(self) -> None:
        if self.attached:
            self.exit()
        else:
            self.notify("devgate runs in this very process; `devgate up -d` and `devgate attach` keep them apart.")

    def action_ask_quit(self) -> None:
        self.commands.quit(self.live.snapshot if self.live is not None else None)


def _short(file: Path | None) -> str:
    """A file's path as people write it."""
    if file is None:
        return ""
    home = os.path.expanduser("~")
    return f"~{str(file)[len(home) :]}" if str(file).startswith(home + os.sep) else str(file)

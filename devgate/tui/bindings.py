"""Every key, once. Widgets and screens take their bindings from here; the key line, the help and the palette read the same table.

Each binding has an id, by which a keymap file moves it (`keymap`). Nothing lies on ctrl+a, ctrl+b (tmux, screen), ctrl+s,
ctrl+q (flow control), ctrl+z (would stop the gateway), and nothing on an F-key alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType


@dataclass(frozen=True)
class Keys:
    """Keys that work in one place."""

    title: str
    """Where, as the help says it."""
    table: tuple[Binding, ...]


def of(*groups: Keys) -> list[BindingType]:
    """What a class's `BINDINGS` wants."""
    return [binding for keys in groups for binding in keys.table]


def _key(id: str, key: str, action: str, word: str, sentence: str) -> Binding:
    return Binding(key, action, word, id=id, tooltip=sentence, show=False)


def _steps(place: str, down: str, up: str) -> tuple[Binding, ...]:
    """By a line and by a page, the same everywhere."""
    return (
        _key(f"{place}.down", "j,down", "move(1)", "down", down),
        _key(f"{place}.up", "k,up", "move(-1)", "up", up),
        _key(f"{place}.page_down", "pagedown,ctrl+d", "page(1)", "page down", "A page down."),
        _key(f"{place}.page_up", "pageup,ctrl+u", "page(-1)", "page up", "A page up."),
    )


VIEWS: Final = {"overview": 1, "traffic": 2, "logs": 3, "health": 4, "profiles": 5}
"""Views and their number keys."""

APP: Final = Keys(
    "Everywhere",
    (
        _key("service.start", "s", "command('start')", "start", "Start the service, and first what it needs."),
        _key("service.restart", "r", "command('restart')", "restart", "Restart it; requests wait meanwhile."),
        _key("service.stop", "x", "command('stop')", "stop", "Stop it: drain, ask, then kill."),
        _key("breaker.reset", "b", "command('reset')", "reset", "Close the service's circuit breaker."),
        _key("service.kill", "X", "command('kill')", "kill", "End the process group now, without drain."),
        _key("service.cascade", "R", "command('cascade')", "restart all", "Restart it and the services that need it."),
        _key("service.red", "a", "command('red')", "restart red", "Restart every service that has failed."),
        _key("service.adopt", "A", "command('adopt')", "adopt", "Take who holds its port for the service."),
        _key("service.take", "T", "command('take')", "take port", "End who holds its port, and start it; asks first."),
        _key("sync.check", "S", "command('sync')", "check", "Look at every service and check its version now."),
        _key(
            "profile.reload",
            "c",
            "reload",
            "config",
            "What a reload of the profile's files would change; Enter does it.",
        ),
        _key("profile.switch", "p", "view('profiles')", "profiles", "Switch the profile; shows the plan first."),
        *(
            _key(f"view.{view}", str(number), f"view('{view}')", view, f"Show {view}.")
            for view, number in VIEWS.items()
        ),
        _key("screen.mouse", "m", "mouse", "mouse", "Leave the mouse to the terminal, or take it back."),
        _key("screen.help", "question_mark", "help", "help", "All keys."),
        _key("screen.palette", "colon,ctrl+p", "command_palette", "palette", "Find a command by its name."),
        _key("screen.detach", "d", "detach", "detach", "Leave the screen of `devgate attach`; devgate goes on."),
        _key("screen.quit", "q", "ask_quit", "quit", "Stop devgate and its services; says first which."),
        _key(
            "screen.interrupt", "ctrl+c", "ask_quit", "quit", "Copy the selection; without one, as q; asked again, yes."
        ),
    ),
)

TABLE: Final = Keys(
    "In a table",
    (
        *_steps("table", "Next row.", "Previous row."),
        _key("table.first", "g,home", "end(-1)", "first", "First row."),
        _key("table.last", "G,end", "end(1)", "last", "Last row."),
        _key("table.choose", "enter", "choose", "open", "Open what is selected."),
    ),
)

LOG_PANE: Final = Keys(
    "In a log",
    (
        *_steps("log", "A line down.", "A line up; the log stops following."),
        _key("log.left", "h,left", "sideways(-1)", "left", "Scroll to the left."),
        _key("log.right", "l,right", "sideways(1)", "right", "Scroll to the right."),
        _key("log.top", "g,home", "top", "top", "The oldest line held."),
        _key("log.follow", "G,end", "follow", "follow", "Go to the end and follow."),
    ),
)

LOG: Final = Keys(
    "Where a log is in view",
    (
        _key("log.search", "slash", "log('search')", "search", "Search by regular expression."),
        _key(
            "log.search_all",
            "alt+slash,ctrl+f",
            "log('search_all')",
            "search all",
            "Search the logs of all services, merged.",
        ),
        _key("log.next", "n", "log('find', 1)", "next", "Next match."),
        _key("log.previous", "N", "log('find', -1)", "previous", "Previous match."),
        _key("log.filter", "f", "log('filter')", "filter", "Show only lines that match."),
        _key("log.level", "F", "log('level')", "level", "Least level: all, info, warning, error."),
        _key("log.next_error", "e", "log('error', 1)", "next error", "Next line that looks like an error."),
        _key(
            "log.previous_error", "E", "log('error', -1)", "previous error", "Previous line that looks like an error."
        ),
        _key("log.merged", "t", "merged", "merge", "All services in one log, or one service."),
        _key("log.wrap", "w", "log('wrap')", "wrap", "Fold long lines, or let them run out of view."),
        _key("log.copy", "y", "log('copy')", "copy", "Copy the selection, or the current line."),
        _key("log.copy_run", "Y", "log('copy_run')", "copy run", "Copy everything the current run has written."),
        _key("log.type", "i", "type", "type", "Type into the service, if it has a terminal: `tty: true`."),
        _key("log.open", "v", "open_log", "pager", "Open the log in $PAGER; requests go on meanwhile."),
    ),
)

OVERVIEW: Final = Keys(
    "In the overview",
    (
        _key("overview.next", "tab,l,right", "pane(1)", "pane", "Next pane: services, routes, log."),
        _key("overview.previous", "shift+tab,h,left", "pane(-1)", "pane back", "Previous pane."),
        _key(
            "overview.tab", "right_square_bracket", "tab(1)", "next tab", "Log, health, config or env of the service."
        ),
        _key("overview.tab_back", "left_square_bracket", "tab(-1)", "tab before", "The tab before."),
        _key("overview.open", "o", "open_route", "open", "Open the selected route in the browser."),
        _key("route.fault", "i", "fault", "fault", "In the routes: have a route's requests go wrong for a while."),
        _key("overview.failing", "exclamation_mark", "failing_first", "failing first", "Failed services first."),
    ),
)

LOGS: Final = Keys(
    "In the log view",
    (
        _key("logs.next", "tab,right_square_bracket", "service(1)", "next log", "The next service's log."),
        _key("logs.previous", "shift+tab,left_square_bracket", "service(-1)", "log before", "The service before."),
    ),
)

TRAFFIC: Final = Keys(
    "In the traffic view",
    (
        _key(
            "traffic.filter",
            "f,slash",
            "filter",
            "filter",
            "Show only some: service:auth status:5xx took:>1s path:/api text; -text excludes.",
        ),
        _key("traffic.errors", "e", "errors", "errors", "Only answers of 500 and more; again: everything."),
        _key("traffic.pause", "space", "pause", "pause", "Stop the list; requests go on."),
        _key("traffic.copy", "y", "copy", "copy", "Copy as curl."),
    ),
)

REQUEST: Final = Keys(
    "In a request",
    (
        _key("request.copy", "y", "copy", "curl", "Copy it as curl; secrets are masked."),
        _key("request.copy_answer", "Y", "copy_answer", "copy answer", "Copy the answer's body; secrets are masked."),
        _key("request.replay", "r", "replay", "send again", "Send it again through the gateway, secrets included."),
        _key("request.edit", "e", "edit", "edit", "Change it in $EDITOR and send it."),
        _key("request.save", "w", "save", "HAR", "Save it as an HTTP archive; secrets are masked."),
        _key("request.older", "n,right_square_bracket", "other(1)", "older", "The next older request of the list."),
        _key("request.newer", "N,left_square_bracket", "other(-1)", "newer", "The next newer request of the list."),
        _key("request.pin", "space", "pin", "pin", "Keep it to compare another request with it."),
        _key(
            "request.compare", "equals_sign", "compare", "compare", "Line by line with the pinned one; again: no more."
        ),
        _key("request.part", "tab", "part(1)", "next part", "To the next part, or the other column."),
        _key("request.part_back", "shift+tab", "part(-1)", "part before", "To the part before, or the other column."),
    ),
)

PROFILES: Final = Keys(
    "In the profiles view",
    (
        _key("profiles.edit", "v", "edit", "edit", "Open the profile in $EDITOR, at its first problem."),
        _key("profiles.again", "f5,ctrl+r", "again", "read again", "Look for profiles again and plan anew."),
    ),
)

BACK: Final = Keys(
    "In every other view",
    (_key("view.back", "escape", "back", "back", "Clear what is searched, else go back."),),
)

PROMPT: Final = Keys(
    "While something is typed",
    (_key("prompt.clear", "escape", "clear", "clear", "Take back what was typed; Enter keeps it."),),
)

TYPING: Final = Keys(
    "While one types into a service",
    (
        _key(
            "typing.leave",
            "ctrl+right_square_bracket",
            "leave",
            "leave",
            "Back to devgate; every other key is the service's.",
        ),
    ),
)

DIALOG: Final = Keys(
    "In a dialog",
    (
        _key("dialog.yes", "enter,y", "yes", "yes", "Do it."),
        _key("dialog.no", "escape,n,q", "no", "no", "Leave everything as it is."),
    ),
)

FAULT: Final = Keys(
    "Where a fault is chosen",
    (_key("fault.back", "escape,q,ctrl+c", "no", "back", "Leave everything as it is."),),
)

QUESTION: Final = Keys("In a question", (_key("dialog.sure", "ctrl+c", "yes", "yes", "Asked again, it means yes."),))
AGREEMENT: Final = Keys(
    "Where new commands are shown",
    (
        _key("agree.yes", "a", "yes", "agree and apply", "Agree to the commands, and apply the plan."),
        _key("agree.no", "escape,n,q,ctrl+c", "no", "no", "Leave everything as it is; nothing new runs."),
    ),
)
HELP: Final = Keys("In the help", (_key("help.close", "question_mark,ctrl+c", "no", "back", "Close the help."),))

ALL: Final = (
    APP,
    OVERVIEW,
    LOGS,
    TRAFFIC,
    REQUEST,
    PROFILES,
    LOG,
    LOG_PANE,
    TABLE,
    BACK,
    PROMPT,
    TYPING,
    DIALOG,
    FAULT,
    QUESTION,
    AGREEMENT,
    HELP,
)

IDS: Final = frozenset(binding.id for keys in ALL for binding in keys.table)

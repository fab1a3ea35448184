"""A window as wry opens one on Linux: WebKitGTK with a page under `tauri://localhost`, the origin of a packaged Tauri app.

python tauri_window.py PAGE QUERY     shows the file PAGE as tauri://localhost/?QUERY; prints the title that the page gives itself

Needs a display, and an interpreter with PyGObject and WebKit2 4.1: Debian's own, not that of a virtual environment.
"""

import sys
from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gio, GLib, Gtk, WebKit2  # noqa: E402


def serve(request: WebKit2.URISchemeRequest) -> None:
    page = Path(sys.argv[1]).read_bytes() if request.get_path() == "/" else b""
    request.finish(Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(page)), len(page), "text/html")


def titled(view: WebKit2.WebView, _property: object) -> None:
    if (view.get_title() or "").startswith("{"):
        print(view.get_title(), flush=True)
        Gtk.main_quit()


context = WebKit2.WebContext.new_ephemeral()
context.register_uri_scheme("tauri", serve)
context.get_security_manager().register_uri_scheme_as_secure("tauri")
view = WebKit2.WebView.new_with_context(context)
view.get_settings().set_enable_write_console_messages_to_stdout(True)
view.connect("notify::title", titled)
window = Gtk.Window()
window.add(view)
window.show_all()
view.load_uri(f"tauri://localhost/?{sys.argv[2]}")
Gtk.main()

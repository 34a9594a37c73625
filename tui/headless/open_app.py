"""`seamline STORE`: the terminal app. Textual is imported only when there is a terminal and a store to show."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from core.errors import UsageError
from core.lease_choice import AS_USUAL, LeaseChoice
from tui.headless.capabilities import is_ascii_only, is_dumb
from tui.headless.options import takes_lease, takes_store, takes_theme
from tui.headless.surroundings import connect, fault_log, theme_file, triage_notes

if TYPE_CHECKING:
    from core.engine import Engine
    from core.host import Machine
    from core.operations import Operations
    from tui.app import SeamlineApp


@dataclass(frozen=True, slots=True)
class AppFlags:
    """How the operator wants the app: glyphs of ASCII only, no writing commands, no mouse, which colours."""

    ascii: bool = False
    read_only: bool = False
    mouse: bool = True
    theme: str | None = None


@click.command("open", short_help="Open the app on a store (also: seamline STORE).")
@takes_store
@takes_lease
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
@click.option("--read-only", is_flag=True, help="Take the commands away that would change the store.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
@takes_theme
@click.pass_obj
def open_store(
    machine: Machine | None,
    store: str,
    lease: LeaseChoice,
    ascii_only: bool,
    read_only: bool,
    no_mouse: bool,
    theme: str | None,
) -> int:
    """Open the app on STORE. Opening creates and changes nothing."""
    require_terminal()
    return run_app(store, AppFlags(ascii_only, read_only, not no_mouse, theme), machine, lease)


def require_terminal() -> None:
    """Raises `UsageError` where the app could neither draw nor hear keys; it draws on stderr."""
    streams = {"stdin": sys.stdin, "stdout": sys.stdout, "stderr": sys.stderr}
    elsewhere = [name for name, stream in streams.items() if stream is None or not stream.isatty()]
    if elsewhere:
        last, others = elsewhere[-1], ", ".join(elsewhere[:-1])
        which = f"{others} and {last} are" if others else f"{last} is"
        raise UsageError(
            f"the app needs a terminal, and {which} redirected to a file or a pipe",
            hint="start it without < > and |, and through ssh with -t; seamline check STORE needs no terminal",
        )
    if is_dumb():
        why = "the app needs a terminal that can draw anywhere on the screen, and TERM says that this one can't"
        raise UsageError(why, hint="seamline check STORE answers line by line")


def run_app(store: str, flags: AppFlags, machine: Machine | None, lease: LeaseChoice = AS_USUAL) -> int:
    """Run the app until the operator leaves it; returns its exit code. Raises `StoreUnreachable` before it starts."""
    from core.storage import reader_for

    reader = reader_for(store, lease)

    from tui.app import AppOptions, SeamlineApp
    from tui.kept_theme import KeptTheme
    from tui.theme import DARK, theme_names

    kept_theme, names = KeptTheme(theme_file()), theme_names()
    if flags.theme and flags.theme not in names:
        raise UsageError(f"there is no theme {flags.theme!r}", hint=f"there are {', '.join(names)}")
    theme = flags.theme or kept_theme.read()

    def connected() -> Engine:
        return connect(store, machine, lease)

    def operate(engine: Engine) -> Operations:
        from core.operations import operations_for

        return operations_for(engine.location, engine.host, lease)

    ascii_only = flags.ascii or is_ascii_only(sys.stderr)
    options = AppOptions(ascii_only, flags.read_only, flags.mouse, theme if theme in names else DARK.name, lease)
    app = SeamlineApp(reader.location, connected, options, operate, triage_notes(), fault_log(), kept_theme)
    _run_and_leave(app, flags)
    if app.last_word is not None:
        raise app.last_word
    return app.return_code or 0


def _run_and_leave(app: SeamlineApp, flags: AppFlags) -> None:
    """Run the app in a loop that, unlike one of `asyncio.run`, does not wait at its end for threads that still read."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from core.storage.command.process import end_all
    from tui.leaving import hearing

    loop, threads = asyncio.new_event_loop(), ThreadPoolExecutor()
    loop.set_default_executor(threads)
    with hearing(app, loop, end_all):
        try:
            app.run(mouse=flags.mouse, loop=loop)
        finally:
            app.stop_job()
            threads.shutdown(wait=app.is_changing, cancel_futures=True)

"""`seamline STORE`: the terminal app. Textual is imported only when there is a terminal and a store to show."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from core.errors import UsageError
from core.lease_choice import AS_USUAL, LeaseChoice
from tui.headless.options import takes_lease, takes_store
from tui.headless.surroundings import connect, triage_notes

if TYPE_CHECKING:
    from core.engine import Engine
    from core.host import Machine
    from core.operations import Operations
    from tui.app import SeamlineApp


@dataclass(frozen=True, slots=True)
class AppFlags:
    """How the operator wants the app: glyphs of ASCII only, no writing commands, no mouse."""

    ascii: bool = False
    read_only: bool = False
    mouse: bool = True


@click.command("open", short_help="Open the app on a store (also: seamline STORE).")
@takes_store
@takes_lease
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
@click.option("--read-only", is_flag=True, help="Take the commands away that would change the store.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
@click.pass_obj
def open_store(
    machine: Machine | None, store: str, lease: LeaseChoice, ascii_only: bool, read_only: bool, no_mouse: bool
) -> int:
    """Open the app on STORE. Opening creates and changes nothing."""
    require_terminal()
    return run_app(store, AppFlags(ascii_only, read_only, not no_mouse), machine, lease)


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


def run_app(store: str, flags: AppFlags, machine: Machine | None, lease: LeaseChoice = AS_USUAL) -> int:
    """Run the app until the operator leaves it; returns its exit code. Raises `StoreUnreachable` before it starts."""
    from core.storage import is_object_location, reader_for

    reader = reader_for(store, lease)

    from tui.app import AppOptions, SeamlineApp

    def connected() -> Engine:
        return connect(store, machine, lease)

    def operate(engine: Engine) -> Operations:
        from core.operations import operations_for

        return operations_for(engine.location, engine.host, lease)

    options = AppOptions(flags.ascii, flags.read_only, flags.mouse)
    app = SeamlineApp(reader.location, connected, options, operate, triage_notes())
    if is_object_location(store):
        _run_and_leave(app, flags)
    else:
        app.run(mouse=flags.mouse)
    return app.return_code or 0


def _run_and_leave(app: SeamlineApp, flags: AppFlags) -> None:
    """Run the app in a loop that, unlike one of `asyncio.run`, does not wait at its end for threads that still read."""
    import asyncio

    loop = asyncio.new_event_loop()
    try:
        app.run(mouse=flags.mouse, loop=loop)
    finally:
        if app.job and app.job.is_running:
            loop.run_until_complete(loop.shutdown_default_executor())

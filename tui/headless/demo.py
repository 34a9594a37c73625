"""`seamline demo`: a sample store to look at. The only command that makes a folder, and only its own."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Final

import click

from core.errors import Stopped, UsageError
from tui.headless.exit_codes import ExitCode
from tui.headless.json_text import SCHEMA
from tui.headless.options import json_option, takes_theme
from tui.headless.output import put_document, put_text
from tui.headless.surroundings import kept_evidence, last_looks, this_machine, triage_notes

DEFAULT_SCENARIO: Final = "everything"


@click.command(short_help="Build a sample store and open the app on it.")
@click.option("--scenario", metavar="NAME", default=DEFAULT_SCENARIO, show_default=True, help="Which one; see --list.")
@click.option("--dir", "folder", metavar="DIR", help="Keep the store in this new or empty folder.")
@click.option("--list", "list_only", is_flag=True, help="Name the sample stores and what is wrong with each.")
@click.option("--no-open", is_flag=True, help="Only build the store, and say where it is.")
@takes_theme
@json_option
@click.pass_context
def demo(
    context: click.Context,
    scenario: str,
    folder: str | None,
    list_only: bool,
    no_open: bool,
    theme: str | None,
    as_json: bool,
) -> int:
    """Build a sample store and open the app on it.

    Without --dir the store lives in a temporary folder, which is removed when the app closes.
    """
    if list_only:
        return _list(as_json)
    if no_open:
        return _build_only(scenario, folder, as_json)
    if as_json:
        raise UsageError("--json has nothing to print when the app opens", hint="add --no-open or --list")
    from tui.headless.open_app import AppFlags, require_terminal, run_app

    require_terminal()
    _require_known(scenario)
    with contextlib.ExitStack() as stack:
        store = folder or stack.enter_context(tempfile.TemporaryDirectory(prefix=f"seamline-{scenario}-"))
        _build(scenario, store)
        return run_app(store, AppFlags(theme=theme), context.obj)


def _list(as_json: bool) -> int:
    from core.demo import SCENARIOS

    if as_json:
        rows = [{"name": each.name, "summary": each.summary} for each in SCENARIOS.values()]
        put_document({"schema": SCHEMA, "scenarios": rows})
    else:
        width = max(map(len, SCENARIOS))
        put_text("".join(f"{each.name:<{width}}  {each.summary}\n" for each in SCENARIOS.values()))
    return ExitCode.OK


def _build_only(scenario: str, folder: str | None, as_json: bool) -> int:
    from tui.safe_text import safe

    _require_known(scenario)
    store = folder or tempfile.mkdtemp(prefix=f"seamline-{scenario}-")
    _build(scenario, store)
    if as_json:
        put_document({"schema": SCHEMA, "scenario": scenario, "store": store})
    else:
        put_text(f"{safe(store)}\n")
    return ExitCode.OK


def _require_known(scenario: str) -> None:
    from core.demo import SCENARIOS

    if scenario not in SCENARIOS:
        raise UsageError(f"there is no sample store named {scenario!r}", hint="seamline demo --list names them")


def _build(scenario: str, store: str) -> None:
    from core.demo import build_demo_store

    try:
        build_demo_store(scenario, Path(store), this_machine().process().boot_id)
    except KeyboardInterrupt as error:
        raise Stopped(f"interrupted: {store} holds a part of the sample store, if any", hint="remove it") from error
    # Another store may have been looked at in the same place.
    for remembered in (last_looks(), kept_evidence(), triage_notes()):
        if remembered is not None:
            remembered.forget(store)

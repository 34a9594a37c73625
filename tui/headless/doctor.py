"""`seamline doctor`: can this storage list honestly, create conditionally, keep time; may it be read and written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from tui.headless.capabilities import on_terminal, status_line
from tui.headless.exit_codes import ExitCode
from tui.headless.options import json_option, takes_lease, takes_store
from tui.headless.output import draw, put_answer, put_document
from tui.headless.stopping import Stop
from tui.headless.surroundings import last_looks, own_folders, this_machine

if TYPE_CHECKING:
    from core.host import Machine
    from core.lease_choice import LeaseChoice

#: By `Examination.word`.
_CODES: Final = {
    "well": ExitCode.OK,
    "usable": ExitCode.FINDINGS,
    "no-writing": ExitCode.REFUSED,
    "unreachable": ExitCode.UNREACHABLE,
}


@click.command(short_help="Can this storage be trusted: listing, writing, clocks, rights.")
@takes_store
@takes_lease
@json_option
@click.pass_obj
def doctor(machine: Machine | None, store: str, lease: LeaseChoice, as_json: bool) -> int:
    """Examine where STORE lies: reach, honest listings, conditional writes, clocks, pace, rights, adapter commands.

    Takes some seconds. Tries to write beside the store, never in metadata/, and takes everything away again but
    compaction.probe. Safe while somebody else works on the store.

    Exit code 0: all is well. 3: something is to be known; reading and writing work. 6: writing would be refused. 20:
    the store can't be reached, or its listing is suspicious.
    """
    from core.doctor import examine, patient_for

    looks = last_looks()
    patient = patient_for(
        store,
        machine or this_machine(),
        lease,
        own_folders=own_folders(),
        known_names=looks.names_of(store) if looks else frozenset(),
        watch=_Watch(),
    )
    try:
        examination = examine(patient)
    finally:
        _draw("")
    if as_json:
        from tui.headless.documents.doctor import doctor_document

        put_document(doctor_document(examination))
    else:
        from tui.headless.printers.doctor import doctor_answer

        put_answer(doctor_answer(examination))
    return _CODES[examination.word]


class _Watch:
    """Tells on a terminal what is looked at, and lets nothing be cut short that has to be taken away again."""

    def __init__(self) -> None:
        self._stop = Stop()

    def tell(self, what: str) -> None:
        """One line that the next one replaces."""
        _draw(f"looking at: {what}")

    def stopped(self) -> bool:
        """Whether Ctrl-C was pressed while something was tried."""
        return self._stop.requested

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Ctrl-C is remembered."""
        with self._stop.listening():
            yield


def _draw(line: str) -> None:
    if on_terminal():
        draw(status_line(line))

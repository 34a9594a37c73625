"""What every command that reads a store needs: the machine, an engine on the store, a whole look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.lease_choice import AS_USUAL

if TYPE_CHECKING:
    from pathlib import Path

    from core.acceptance import Acceptance
    from core.engine import Engine
    from core.host import Machine
    from core.last_look import LastLooks
    from core.lease_choice import LeaseChoice
    from core.manifests import KeptEvidence
    from core.snapshot import Snapshot, Watch
    from core.triage import TriageNotes


def this_machine() -> Machine:
    """The machine that the command runs on."""
    from core.machine import ThisMachine

    return ThisMachine()


def connect(store: str, machine: Machine | None, lease: LeaseChoice = AS_USUAL) -> Engine:
    """An engine on a store, whose lease lies where `lease` says. Raises `UsageError` or `StoreUnreachable`."""
    from core.engine import Engine
    from core.storage import reader_for
    from core.storage.cache.reader import cache_folder, cached

    reader = cached(reader_for(store, lease), store, cache_folder())
    return Engine(reader, machine or this_machine(), last_looks(), kept_evidence())


def last_looks() -> LastLooks | None:
    """Where is remembered what was seen: below `XDG_STATE_HOME`; None for somebody who has no home."""
    from core.last_look import LastLooks

    state = _state_folder()
    return LastLooks(state / "looks") if state else None


def kept_evidence() -> KeptEvidence | None:
    """Where is remembered what manifests and chunks showed; None for somebody who has no home."""
    from core.manifests import KeptEvidence

    state = _state_folder()
    return KeptEvidence(state / "evidence") if state else None


def triage_notes() -> TriageNotes | None:
    """Where is kept what was decided about the problems of a store; None for somebody who has no home."""
    from core.triage import TriageNotes

    state = _state_folder()
    return TriageNotes(state / "triage") if state else None


def fault_log() -> Path | None:
    """Where the traces of faults of the program are kept; None for somebody who has no home."""
    state = _state_folder()
    return state / "faults.log" if state else None


def theme_file() -> Path | None:
    """Where the theme is kept that was chosen last; None for somebody who has no home."""
    state = _state_folder()
    return state / "theme.json" if state else None


def own_folders() -> tuple[Path, ...]:
    """Where this tool keeps what it knows of stores, there or not."""
    from core.storage.cache.reader import cache_folder

    return tuple(folder for folder in (_state_folder(), cache_folder()) if folder is not None)


def _state_folder() -> Path | None:
    """Our folder below `XDG_STATE_HOME`."""
    from core.storage.host_folders import state_folder

    return state_folder()


def look(engine: Engine, watch: Watch | None = None, *, accept: Acceptance | None = None) -> Snapshot:
    """Read all metadata; what differs from the last look is taken for the truth as far as `accept` says so.

    Raises `StoreUnreachable`, and `Stopped` when not everything was read.
    """
    from core.errors import Stopped
    from tui.headless.progress import follower

    snapshot = engine.look(watch or follower())
    if not snapshot.complete:
        read, listed = len(snapshot.index.files), snapshot.index.listed_count
        raise Stopped(
            f"stopped after {read:,} of {listed:,} metadata files: a partial look gives no answer",
            hint="run it again",
        )
    return engine.accept(snapshot) if accept is not None and accept.covers(snapshot) else snapshot


def tell_what_waits(snapshot: Snapshot, engine: Engine) -> None:
    """One line on stderr for each thing that somebody has to see to before anything is written."""
    from core.invocation import Resume
    from core.last_look import gone_words, other_store_words
    from core.lease import held_words, life_words
    from tui.headless.output import note

    if snapshot.journal_fault is not None:
        note(f"the journal can't be looked at: {snapshot.journal_fault}")
    unfinished = engine.unfinished(snapshot)
    lease, holder = unfinished.lease, unfinished.lease.holder if unfinished.lease else None
    if unfinished.held is not None and lease is not None and holder is not None:
        life = life_words(holder, alive=lease.is_alive)
        note(f"operation {unfinished.held.id} is held by {held_words(holder)}: {life}; --wait 5m waits for it")
    for files in unfinished.interrupted:
        resume = Resume(snapshot.location)
        note(f"operation {files.id} was interrupted: {resume} finishes it")
    if snapshot.other is not None:
        note(other_store_words(snapshot.other))
    if snapshot.gone:
        note(f"since the last look {gone_words(snapshot.gone)}: is the listing whole?")


def holds_nothing(snapshot: Snapshot) -> bool:
    """Whether there is nothing to judge: no entry, and no line that is refused (`hazards.md`, `own-exit-codes`).

    An empty listing looks like this, and so does a folder whose files can't be read.
    """
    index = snapshot.index
    return not any(map(len, index.lanes.values())) and not any(file.bad_lines for file in index.files)

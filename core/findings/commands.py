"""The commands that findings end in, ready to paste. Every word is quoted; nothing of a store is ever run by us."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from core.chain import Gap, GapKind, gap_command
from core.findings.case import Case
from core.model import LaneKind
from core.phrases import command
from core.snapshot import Snapshot
from core.stock import CompactionOptions

#: More files than this in one command are no longer read by whoever pastes it.
MOST_FILES: Final = 40

#: The factors of the official chart.
_FEW_FILES: Final = CompactionOptions(100, 100, 100)
_ONE_OFF: Final = ("aptos-db-tool", "backup", "oneoff")


class Looking(Protocol):
    """Whoever has looked at a store: a case, or what a repair is planned on."""

    @property
    def snapshot(self) -> Snapshot:
        """What was seen."""


def restore_plan(case: Case, target: int | None = None) -> str:
    """What stock would restore and which chain works, up to version `target`."""
    wish = () if target is None else ("--target-version", target)
    return command("seamline", "restore-plan", case.snapshot.location, *wish)


def repair(case: Case) -> str:
    """What a repair would do; nothing is written."""
    return command("seamline", "repair", case.snapshot.location, "--dry-run")


def way_on(case: Case, kind: LaneKind, first: int) -> str:
    """A repair where one mends what is wrong from `first` on, else what stock would restore and which chain works."""
    return repair(case) if case.repairs(kind, first) else restore_plan(case)


def check(looking: Looking, level: int | None = None) -> str:
    """Look again, at the usual level or deeper."""
    wish = () if level is None else ("--level", level)
    return command("seamline", "check", looking.snapshot.location, *wish)


def compaction(case: Case, options: CompactionOptions) -> str:
    """What compaction would write, and where it stops."""
    factors = (
        ("--epoch-ending-file-compact-factor", options.epoch_ending_factor),
        ("--state-snapshot-file-compact-factor", options.state_snapshot_factor),
        ("--transaction-file-compact-factor", options.transaction_factor),
    )
    given = [word for pair in factors if pair[1] != 1 for word in pair]
    return command("seamline", "compact", case.snapshot.location, *given, "--dry-run")


def mended_by_compaction(case: Case) -> str:
    """A compaction by this tool, which saves a record without what is wrong in the old ones; shown first, not done."""
    return compaction(case, _FEW_FILES)


def back_up(case: Case, kind: LaneKind, first: int, last: int) -> str:
    """Back the closed range up again: versions, or epochs."""
    return gap_command(Gap(kind, first, last, GapKind.GAP), command("--local-fs-dir", case.snapshot.location))


def back_up_snapshot(case: Case, epoch: int) -> str:
    """Take the state snapshot at the end of an epoch."""
    wish = ("state-snapshot", "--state-snapshot-epoch", epoch)
    return command(*_ONE_OFF, *wish, "--local-fs-dir", case.snapshot.location)


def path(looking: Looking, handle: str) -> str:
    """Where a handle lies on this machine."""
    return f"{looking.snapshot.location.rstrip('/')}/{handle}"


def look_at(looking: Looking, handle: str, line: int = 0) -> str:
    """Show one line of a file, or all of it, with nothing in it that a terminal would obey."""
    show = command("sed", "-n", f"{line}p", "--", path(looking, handle)) if line else ""
    return f"{show} | cat -v" if line else command("cat", "-v", "--", path(looking, handle))


def listing(looking: Looking, folder: str) -> str:
    """List a folder with times and sizes."""
    return command("ls", "-lab", "--", path(looking, folder))


def set_aside(looking: Looking, handles: Sequence[str]) -> str:
    """Move files out of `metadata/` into a folder that stock never lists; nothing there is replaced."""
    folder = path(looking, "metadata_quarantine")
    make = command("mkdir", "-p", "--", folder)
    move = command("mv", "-n", "--", *(path(looking, handle) for handle in handles[:MOST_FILES]), f"{folder}/")
    return f"{make} && {move}"


def bring_back(case: Case, handles: Iterable[str]) -> str:
    """Move retired files back under their own names: each appears whole or not at all, and nothing is replaced."""
    return command("mv", "-n", "--", *(path(case, handle) for handle in handles), f"{path(case, 'metadata')}/")


def mounted_at(case: Case, *folders: str) -> str:
    """Show on which file systems the store, or folders of it, lie."""
    return command("df", "--", *(path(case, folder) for folder in folders or ("",)))

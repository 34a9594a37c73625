"""Small stores that need a repair, and the recovery of each: what the tests of applying and of crashes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from core.changes.model import ChangeSet
from core.form import Form
from core.model import Claim, IdentityRecord, TimestampsRecord
from core.recovery import Recovery
from core.repair import plan_repair
from core.snapshot import Snapshot
from tests.support.crash_looks import Files
from tests.support.gzipped import zipped
from tests.support.recoveries import change_of, derived_transactions, no_records, old_snapshot, recovery_of
from tests.support.stores import NOW, epoch, lines, state, txn

#: Long after the files of a store in memory were written.
LATER = NOW + 30 * 86_400
GROUND: Files = {
    "metadata/identity.meta": lines(IdentityRecord("ab" * 32)),
    "metadata/epoch_ending_0-0.meta": lines(epoch(0, 0, 0, 0)),
    "metadata/state_snapshot_ver_0.meta": lines(state(0, 0)),
}
RIVAL = txn(100, 199, "transaction_100-.bbbb/transaction.manifest")
#: Behind a gap.
TAIL = txn(500, 599)
LOSER = state(1, 150, "state_epoch_1_ver_150.bbbb/state.manifest")
WHOLE = txn(300, 499, "transaction_300-.aaaa/transaction.manifest")
CUT = derived_transactions(400, 499, WHOLE.manifest)


@dataclass(frozen=True)
class RepairScene:
    """A store, and the recovery that a look at it leads to."""

    name: str
    files: Files
    recover: Callable[[Snapshot], Recovery]
    park_tail: bool = False

    def change(self, snapshot: Snapshot | None = None) -> ChangeSet:
        """The repair, planned on a look."""
        if snapshot is None:
            folders = [
                {
                    handle.removeprefix(folder): content
                    for handle, content in self.files.items()
                    if handle.startswith(folder)
                }
                for folder in ("metadata/", "metadata_backup/")
            ]
            snapshot = old_snapshot(*folders)
        return change_of(plan_repair(self.recover(snapshot), LATER, park_tail=self.park_tail))

    def write_to(self, folder: Path) -> Path:
        """The store in a real folder."""
        for handle, content in self.files.items():
            (folder / handle).parent.mkdir(parents=True, exist_ok=True)
            (folder / handle).write_bytes(content)
        return folder


def mixed_scene() -> RepairScene:
    """Rejected lines in files of several kinds, one of which holds the times and an identity; the tail is parked."""
    times = TimestampsRecord(NOW, {"metadata/mixed.meta": NOW, "metadata/stays.meta": NOW, "metadata/rival.meta": None})
    first = lines(times, IdentityRecord("cd" * 32), txn(0, 99), RIVAL, state(1, 150), LOSER)
    files = {
        "metadata/mixed.meta": first,
        "metadata/rival.meta": lines(RIVAL),
        "metadata/transaction_compacted_100-299.meta": lines(txn(100, 199), RIVAL, txn(200, 299)),
        "metadata/stays.meta": lines(txn(200, 299), epoch(1, 1, 150, 150)),
        "metadata/tail.meta": lines(TAIL),
        "metadata_backup/rival.meta": lines(txn(7, 8)),
    }
    recover = partial(recovery_of, rejected=no_records(RIVAL, LOSER), tail=no_records(TAIL))
    return RepairScene("mixed", GROUND | files, recover, park_tail=True)


def torn_scene() -> RepairScene:
    """A torn compacted file, one cut in the middle of a line, and garbage; what is lost lies in `metadata_backup/`."""
    parts = [txn(first, first + 49) for first in range(0, 400, 50)]
    files = {
        "metadata/transaction_compacted_0-199.meta": lines(*parts[:2]),
        "metadata/transaction_compacted_200-399.meta": lines(*parts[4:])[:-20],
        "metadata/empty_line.meta": lines(state(1, 150)) + b"\n",
        "metadata/notes.txt": b"call me\n",
        **{f"metadata_backup/{number}.meta": lines(part) for number, part in enumerate(parts)},
    }
    lost = [(parts[n], Claim(f"metadata_backup/{n}.meta", 1)) for n in (2, 3, 7)]
    return RepairScene("torn", GROUND | files, lambda snapshot: recovery_of(snapshot, recovered=lost))


def splice_scene(form: Form = Form.PLAIN) -> RepairScene:
    """Two batch sizes that do not join but for a part of a manifest, which is kept in a form."""
    cut = replace(CUT, form=form)
    files = {
        "metadata/a.meta": lines(txn(0, 199), txn(200, 399)),
        "metadata/b.meta": lines(WHOLE, txn(500, 699)),
        f"{WHOLE.manifest}": b"{}",
    }
    return RepairScene(
        "splice", GROUND | files, lambda snapshot: recovery_of(snapshot, no_records(WHOLE), derived=[cut])
    )


def mixed_gzip_scene() -> RepairScene:
    """The mixed scene in gzip."""
    return _in_gzip(mixed_scene())


def torn_gzip_scene() -> RepairScene:
    """The torn scene in gzip: whole streams of content that was cut."""
    return _in_gzip(torn_scene())


def splice_gzip_scene() -> RepairScene:
    """The scene with a derived manifest in gzip."""
    return _in_gzip(splice_scene(Form.GZIP))


def _in_gzip(scene: RepairScene) -> RepairScene:
    return replace(scene, files=zipped(scene.files))


REPAIR_SCENES: tuple[Callable[[], RepairScene], ...] = (mixed_scene, torn_scene, splice_scene)
GZIP_SCENES: tuple[Callable[[], RepairScene], ...] = (mixed_gzip_scene, torn_gzip_scene, splice_gzip_scene)

"""What manifests showed is kept outside the store: used again while nothing changes, and never believed beyond that."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.engine import Engine
from core.manifests import Evidence, EvidenceProgress, KeptEvidence, Verdict, collect_evidence
from core.manifests import results as results_module
from core.model import LaneKind, TransactionRecord
from core.snapshot import Snapshot
from core.storage import Listed, LocalReader
from tests.support.backups import BackupStore, records
from tests.support.machines import FakeMachine

TXN = LaneKind.TRANSACTIONS
AGAIN = "transaction_1-.bbbb/transaction.manifest"
CHUNK = "transaction_1-.bbbb/51-.chunk"
HOUR = 3_600.0


class CountingReader(LocalReader):
    """Remembers every handle that was opened."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.opened: list[str] = []

    def open(self, handle: str):  # type: ignore[no-untyped-def]
        self.opened.append(handle)
        return super().open(handle)

    @property
    def chunks(self) -> set[str]:
        return {handle for handle in self.opened if handle.endswith(".chunk")}


@pytest.fixture
def store(tmp_path: Path) -> BackupStore:
    """Versions 1 to 100 twice, every file two hours old."""
    store = BackupStore(tmp_path / "store")
    store.add_transactions(1, 100, suffix="bbbb", line=False)
    store.add_line(TransactionRecord(1, 100, AGAIN), "again.meta")
    for path in store.folder.rglob("*"):
        os.utime(path, (FakeMachine().moment - 2 * HOUR,) * 2)
    return store


class Looker:
    """Looks at a store again and again, each time an hour later."""

    def __init__(self, store: BackupStore, folder: Path) -> None:
        self.store = store
        self.kept = KeptEvidence(folder / "state" / "seamline" / "evidence")
        self.machine = FakeMachine()
        self.reader = CountingReader(str(store.folder))

    def look(self, level: int = 5, stop_after: int | None = None, *, afresh: bool = False) -> Evidence:
        self.machine.pass_time(HOUR)
        self.reader = CountingReader(str(self.store.folder))
        results = self.kept.of_store(str(self.store.folder), self.machine)
        return collect_evidence(self.reader, self.snapshot(), level, Stopper(stop_after), None, results, afresh=afresh)

    def snapshot(self) -> Snapshot:
        return self.store.look()

    @property
    def file(self) -> Path:
        (path,) = self.kept.folder.iterdir()
        return path


class Stopper:
    """Stops after so many manifests are done."""

    def __init__(self, after: int | None) -> None:
        self._after = after
        self._done = 0

    def progress(self, progress: EvidenceProgress) -> None:
        self._done = progress.done

    def stopped(self) -> bool:
        return self._after is not None and self._done >= self._after


@pytest.fixture
def looker(store: BackupStore, tmp_path: Path) -> Looker:
    return Looker(store, tmp_path)


def same(one: Evidence, other: Evidence) -> bool:
    return (one.manifests, one.comparisons, one.orphans) == (other.manifests, other.comparisons, other.orphans)


def test_what_has_not_changed_is_not_read_again(looker: Looker) -> None:
    first = looker.look()
    assert (first.kept, len(looker.reader.chunks)) == (0, 13)
    again = looker.look()
    assert (again.kept, looker.reader.chunks) == (9, set())
    assert same(first, again)


@pytest.mark.parametrize("level", [2, 3, 4])
def test_a_deeper_look_is_as_good_and_a_shallower_one_is_not(looker: Looker, level: int) -> None:
    looker.look(level)
    assert looker.look(level).kept == 8
    if level == 2:
        assert not any(handle.endswith("manifest") for handle in looker.reader.opened)
    deeper = looker.look(level + 1)
    assert (deeper.kept, deeper.complete) == (8 if level == 4 else 0, True)
    assert looker.look(level).kept == 8


def test_problems_come_back_as_they_were(store: BackupStore, looker: Looker) -> None:
    store.put("transaction_1-.aaaa/1-.chunk", records(49))
    store.edit(store.newest, last_version=199)
    store.add_line(TransactionRecord(101, 150, store.newest), "wrong.meta")
    store.put("state_epoch_1_ver_100.aaaa/0-.chunk", b"\xff\xff\xff\xff")
    for path in store.folder.rglob("*"):
        os.utime(path, (looker.machine.moment - 2 * HOUR,) * 2)
    first = looker.look()
    assert {hazard for facts in first.faulty for hazard in facts.counts} == {
        "chunk-count-mismatch",
        "chunk-length-bomb",
        "manifest-last-mismatch",
        "manifest-range-mismatch",
    }
    again = looker.look()
    assert again.kept > 0 and same(first, again)
    assert {each.entry for facts in again.faulty for each in facts.problems if each.entry} == {
        TransactionRecord(101, 200, store.newest),
        TransactionRecord(101, 150, store.newest),
    }


def content_changes(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def time_changes(path: Path) -> None:
    os.utime(path, (path.stat().st_mtime + 1, path.stat().st_mtime + 1))


def goes_away(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [content_changes, time_changes, goes_away])
@pytest.mark.parametrize("handle", [AGAIN, CHUNK, "transaction_1-.bbbb/51-100.proof"])
def test_what_changed_is_read_again_and_nothing_else(
    store: BackupStore, looker: Looker, change: Callable[[Path], None], handle: str
) -> None:
    looker.look()
    change(store.folder / handle)
    again = looker.look()
    # The manifest, and its comparison unless only a proof changed.
    assert again.kept == (8 if handle.endswith("proof") else 7)
    fresh = looker.look(afresh=True)
    assert same(again, fresh)
    assert fresh.kept == 0


def test_a_line_that_is_new_makes_its_manifest_be_looked_at_again(store: BackupStore, looker: Looker) -> None:
    looker.look(4)
    store.add_line(TransactionRecord(101, 150, store.newest), "wrong.meta")
    again = looker.look(4)
    assert again.kept == 7
    assert "manifest-range-mismatch" in again.manifests[TXN, store.newest].counts


def test_a_file_as_young_as_the_look_itself_proves_nothing(store: BackupStore, looker: Looker) -> None:
    os.utime(store.folder / CHUNK, (looker.machine.moment + HOUR - 1,) * 2)
    looker.look()
    assert looker.look().kept == 7
    assert looker.look().kept == 9


class UndatedReader(CountingReader):
    """A storage that tells no times, as those behind commands do."""

    def stat(self, handle: str) -> Listed:
        listed = super().stat(handle)
        return Listed(listed.handle, listed.kind, listed.size, 0.0)


def test_without_times_nothing_is_kept(store: BackupStore, looker: Looker) -> None:
    for _ in range(2):
        looker.machine.pass_time(HOUR)
        results = looker.kept.of_store(str(store.folder), looker.machine)
        reader = UndatedReader(str(store.folder))
        evidence = collect_evidence(reader, store.look(), 5, results=results)
        assert (evidence.kept, len(reader.chunks)) == (0, 13)


def test_files_that_cant_be_had_are_looked_for_each_time(store: BackupStore, looker: Looker) -> None:
    content = (store.folder / CHUNK).read_bytes()
    (store.folder / CHUNK).unlink()
    assert looker.look().comparisons[TXN, store.middle, AGAIN].verdict is Verdict.UNKNOWN
    store.put(CHUNK, content)
    os.utime(store.folder / CHUNK, (looker.machine.moment - HOUR,) * 2)
    again = looker.look()
    assert again.comparisons[TXN, store.middle, AGAIN].verdict is Verdict.EQUAL
    assert not again.faulty


# Resumed


def test_a_stopped_check_goes_on_where_it_stopped(looker: Looker) -> None:
    for _ in range(3):
        evidence = looker.look(stop_after=2)
        assert (evidence.complete, evidence.kept, len(evidence.manifests)) == (False, 0, 2)
    whole = looker.look()
    assert whole.complete and whole.kept == 6
    assert same(whole, looker.look(afresh=True))


def test_a_stopped_check_afresh_takes_the_oldest_first(looker: Looker) -> None:
    whole = looker.look(4)
    seen: list[set[str]] = []
    for _ in range(4):
        looker.look(4, stop_after=2, afresh=True)
        seen.append({handle for handle in looker.reader.opened if handle.endswith(".manifest")})
    assert set.union(*seen) >= {handle for _, handle in whole.manifests}
    assert list(looker.look(4).manifests) == list(whole.manifests)


def test_a_check_that_is_killed_has_kept_what_it_saved(
    store: BackupStore, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.manifests.evidence._SAVED_STEPS", 3)

    class Killer(Stopper):
        def progress(self, progress: EvidenceProgress) -> None:
            if progress.done == 4:
                os._exit(9)

    if os.fork() == 0:
        results = looker.kept.of_store(str(store.folder), looker.machine)
        collect_evidence(looker.reader, store.look(), 4, Killer(None), None, results)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 9
    assert looker.look(4).kept == 3


# Where it is kept


def test_results_are_for_their_owner_alone_and_lie_outside_the_store(store: BackupStore, looker: Looker) -> None:
    before = sorted(store.folder.rglob("*"))
    looker.look()
    assert sorted(store.folder.rglob("*")) == before
    assert (looker.kept.folder.stat().st_mode & 0o777, looker.file.stat().st_mode & 0o777) == (0o700, 0o600)


def damaged(document: dict[str, object]) -> list[bytes]:
    """Memories that are none."""
    entry = document["manifests"][0]  # type: ignore[index]
    changed = [
        {**document, "v": 99},
        {**document, "store": "/another"},
        {**document, "manifests": 7},
        {**document, "manifests": [{**entry, "at": "soon"}]},
        {**document, "manifests": [{**entry, "facts": {**entry["facts"], "lane": "?"}}]},
        {**document, "manifests": [{**entry, "facts": {**entry["facts"], "last": -1.5}}]},
        {**document, "comparisons": [{}]},
    ]
    texts = [json.dumps(each).encode() for each in changed]
    return [b"", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, *texts]


def test_a_damaged_memory_is_as_good_as_none(looker: Looker) -> None:
    looker.look()
    for content in damaged(json.loads(looker.file.read_bytes())):
        looker.file.write_bytes(content)
        evidence = looker.look()
        assert (evidence.kept, evidence.complete) == (0, True)


def test_a_memory_that_cant_be_written_hinders_nothing(store: BackupStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    looker = Looker(store, tmp_path / "file")
    assert looker.look().complete and looker.look().kept == 0


def test_beyond_the_limit_the_oldest_results_go(looker: Looker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_module, "MAX_MANIFESTS", 5)
    looker.look(4)
    assert len(json.loads(looker.file.read_bytes())["manifests"]) == 5
    assert looker.look(4).kept == 5


def test_a_result_of_hostile_length_is_not_kept(looker: Looker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_module, "MAX_RESULT_BYTES", 100)
    looker.look()
    assert looker.look().kept == 0


def test_two_checks_at_once_keep_what_both_saw(store: BackupStore, looker: Looker) -> None:
    reader, machine = store.reader(), looker.machine
    one, other = (looker.kept.of_store(str(store.folder), machine) for _ in range(2))
    collect_evidence(reader, store.look(), 4, None, {store.middle}, one)
    collect_evidence(reader, store.look(), 4, None, {store.newest}, other)
    assert looker.look(4).kept == 2


def test_the_engine_keeps_evidence_and_reads_afresh_when_asked(store: BackupStore, looker: Looker) -> None:
    engine = Engine(looker.reader, looker.machine, kept=looker.kept)
    snapshot = engine.look()
    kept = []
    for afresh in (False, False, True):
        looker.machine.pass_time(HOUR)
        evidence = engine.check(snapshot, 5, afresh=afresh).evidence
        assert evidence is not None
        kept.append(evidence.kept)
    assert kept == [0, 9, 0]
    looker.kept.forget(engine.location)
    assert engine.look_at_manifests(snapshot, 5).kept == 0

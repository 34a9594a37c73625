"""Whatever a journal, a bundle or our own folders hold: told in words, bounded, and nothing outside is touched."""

from __future__ import annotations

import io
import json
import re
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.changes import guarded
from core.changes.bundle import BundleFault, marks_in_bundle
from core.changes.marks import mark_of_bytes
from core.changes.model import ChangeSet
from core.child import run_child
from core.compaction import plan_compaction
from core.errors import Refused
from core.gather import MAX_FILE_BYTES, MAX_FILE_LINES
from core.journal import Outcome, Piece, piece_handle
from core.journal.documents import JournalFault, decode, encode
from core.lease import parse
from core.lease.record import MAX_TOKEN
from core.machine import ThisMachine
from core.operations import Operations
from core.stock import CompactionOptions
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from tests.support.change_sets import (
    Meddler,
    base_folder,
    engine_on,
    entries_of,
    look_at,
    merge_transactions,
    operations_on,
    tree,
    write_metadata,
)
from tests.support.machines import FakeMachine
from tests.support.stores import lines, txn

OPERATION = "20231114T221320Z-000009-compact-0123abcd"
GUARD = "20231114T221320Z-000009-guard-0123abcd"


def _intent(**said: object) -> bytes:
    """An intent that says what no seamline writes."""
    plain = {
        "v": 1,
        "operation": OPERATION,
        "kind": "compact",
        "label": "merge",
        "token": 9,
        "at": 1.7e9,
        "user": "operator",
        "host": "alpha",
        "pid": 1,
        "app": "seamline",
        "plan_id": "",
    }
    return json.dumps(plain | said).encode()


def _write_piece(store: Path, operation: str, piece: Piece, content: bytes) -> None:
    path = store / piece_handle(operation, piece)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _planned(size: int) -> dict[str, object]:
    mark = {"handle": "metadata/new.meta", "size": size, "digest": "0" * 32}
    return {"mark": mark, "lines": 1, "staged": f"seamline/staged/{OPERATION}/new.meta"}


@pytest.mark.parametrize(
    "intent",
    [
        _intent().replace(b"merge", b"\xff\xfe"),
        _intent(rejected=["no entry"]),
        _intent(rejected=['{"Metadata":"\ud800"}']),
        _intent(writes=[_planned(-7)]),
        _intent(writes=[_planned(2**62)]),
        _intent(writes=[_planned(2**70)]),
    ],
)
def test_an_intent_that_nobody_wrote_is_told_and_closed(tmp_path: Path, intent: bytes) -> None:
    store = base_folder(tmp_path)
    before = tree(store)
    _write_piece(store, OPERATION, Piece.INTENT, intent)
    staged = store / f"seamline/staged/{OPERATION}/new.meta"
    staged.parent.mkdir(parents=True)
    staged.write_bytes(b"{}\n")
    [found] = engine_on(store).log()
    assert found.intent is None and found.fault
    [applied] = operations_on(store).resume()
    assert not applied.outcome.finished
    assert tree(store) == before


@pytest.mark.parametrize(
    "handle",
    [
        "evil.meta",
        "compaction.lock",
        "metadata/deep/a.meta",
        "metadata_backup/a.meta",
        "../a.meta",
        "metadata/../a.meta",
    ],
)
def test_an_outcome_never_has_a_file_put_outside_metadata(tmp_path: Path, handle: str) -> None:
    store = base_folder(tmp_path)
    content = b"anything\n"
    (store / "metadata_backup").mkdir(exist_ok=True)
    (store / "metadata_backup" / Path(handle).name).write_bytes(content)
    _write_piece(store, GUARD, Piece.INTENT, _intent(operation=GUARD, kind="guard"))
    outcome = Outcome(v=1, operation=GUARD, finished=True, at=1.0, token=9, gone=(mark_of_bytes(handle, content),))
    _write_piece(store, GUARD, Piece.OUTCOME, encode(outcome))
    with pytest.raises(JournalFault, match="no file in metadata/"):
        decode(encode(outcome), Outcome, GUARD)
    [found] = engine_on(store).log()
    with pytest.raises(Refused, match="can't be read"):
        engine_on(store).plan_undo(look_at(store), found)


def test_what_a_guard_took_away_is_not_forgotten_with_a_torn_outcome(tmp_path: Path) -> None:
    """An undo that brought nothing back would mark the guard as undone."""
    store = base_folder(tmp_path)
    _write_piece(store, GUARD, Piece.INTENT, _intent(operation=GUARD, kind="guard"))
    _write_piece(store, GUARD, Piece.OUTCOME, b'{"v": 1, "operation"')
    [found] = engine_on(store).log()
    with pytest.raises(Refused, match="outcome"):
        engine_on(store).plan_undo(look_at(store), found)


def _huge_header(kind: bytes, size: int) -> bytes:
    member = tarfile.TarInfo("metadata/a.meta")
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(4096)


def _endless_headers() -> bytes:
    """Extended headers of extended headers."""
    member = tarfile.TarInfo("metadata/a.meta")
    member.type, member.size = tarfile.XHDTYPE, 0
    return member.tobuf(tarfile.GNU_FORMAT) * 5_000


def _negative_size() -> bytes:
    member = tarfile.TarInfo("metadata/a.meta")
    member.pax_headers = {"size": "-1024"}
    return member.tobuf(tarfile.PAX_FORMAT) + bytes(4096)


@pytest.mark.parametrize(
    "bundle",
    [
        _huge_header(tarfile.XHDTYPE, 2**62),
        _huge_header(tarfile.XHDTYPE, 2**70),
        _huge_header(tarfile.GNUTYPE_LONGNAME, 2**62),
        _huge_header(tarfile.XHDTYPE, -(2**40)),
        _huge_header(tarfile.REGTYPE, -1024),
        _endless_headers(),
        _negative_size(),
    ],
    ids=["pax 2^62", "pax 2^70", "long name", "pax negative", "negative", "endless", "pax size"],
)
def test_a_bundle_that_nobody_made_can_be_told_from_one(tmp_path: Path, bundle: bytes) -> None:
    store = base_folder(tmp_path)
    _write_piece(store, OPERATION, Piece.BUNDLE, bundle)
    with pytest.raises(BundleFault):
        marks_in_bundle(LocalReader(str(store)), OPERATION)


def test_a_bundle_holds_files_of_metadata_itself_alone(tmp_path: Path) -> None:
    store, buffer = base_folder(tmp_path), io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("metadata/a/b.meta", "metadata/ok.meta", "metadata_backup/b.meta", "/metadata/c.meta"):
            member = tarfile.TarInfo(name)
            member.size = 2
            tar.addfile(member, io.BytesIO(b"x\n"))
    _write_piece(store, OPERATION, Piece.BUNDLE, buffer.getvalue())
    assert [mark.handle for mark in marks_in_bundle(LocalReader(str(store)), OPERATION)] == ["metadata/ok.meta"]


@pytest.mark.parametrize(
    "litter",
    [
        lambda staged: (staged / ".nfs0000001").write_bytes(b"x"),
        lambda staged: (staged / "link").symlink_to("/nowhere"),
        lambda staged: (staged / "back\\slash").mkdir(),
        lambda staged: (staged / "folder" / "deep").mkdir(parents=True),
    ],
    ids=["file", "link", "odd name", "folder"],
)
def test_litter_among_the_staged_files_holds_nobody_up(tmp_path: Path, litter: Callable[[Path], object]) -> None:
    store = base_folder(tmp_path)
    staged = store / "seamline/staged"
    staged.mkdir(parents=True)
    litter(staged)
    before = entries_of(store)
    assert operations_on(store).apply(merge_transactions(look_at(store))).outcome.finished
    assert entries_of(store) == before


@pytest.mark.parametrize("name", ["back\\slash.meta", "new\nline.meta"])
def test_a_file_whose_name_breaks_the_handle_rule_stays_and_holds_up_no_compaction(tmp_path: Path, name: str) -> None:
    store = base_folder(tmp_path)
    (store / "metadata/transaction_0-0.meta").rename(store / "metadata" / name)
    before = entries_of(store)
    for later in (0, 90_000):
        _compact(store, later)
    assert (store / "metadata" / name).exists()
    assert not (store / "metadata/transaction_1-100.meta").exists()
    assert entries_of(store) == before


def _compact(store: Path, later: int) -> ChangeSet:
    engine, operations = engine_on(store), operations_on(store)
    newest = max(file.stat().st_mtime for file in store.glob("metadata/*"))
    engine.host = FakeMachine(int(newest) + later + 1)
    change = engine.plan_compaction(engine.look(), CompactionOptions()).change_set
    assert change is not None
    assert operations.apply(change).outcome.notes == ()
    return change


def test_a_file_with_a_blank_in_its_name_comes_back_out_of_the_bundle_and_its_undo_is_told(tmp_path: Path) -> None:
    store = base_folder(tmp_path)
    (store / "metadata/transaction_0-0.meta").rename(store / "metadata/a b.meta")
    _compact(store, 0)
    before = tree(store)["metadata/a b.meta"]
    _compact(store, 90_000)
    (store / "metadata_backup/a b.meta").unlink()
    engine = engine_on(store)
    operations_on(store).apply(engine.plan_undo(engine.look(), engine.log()[-1]))
    assert tree(store)["metadata/a b.meta"] == before
    assert [operation.fault for operation in engine.log()] == [None] * 3


def test_no_file_is_written_that_could_not_be_read_again(tmp_path: Path) -> None:
    count = MAX_FILE_LINES // 2 + 100_000
    parts = [range(0, count // 2), range(count // 2, count)]
    files = {f"{part.start}.meta": lines(*(txn(number, number) for number in part)) for part in parts}
    write_metadata(tmp_path, files)
    newest = max(file.stat().st_mtime for file in tmp_path.glob("metadata/*"))
    snapshot = look_at(tmp_path)
    plan = plan_compaction(snapshot, CompactionOptions(transaction_factor=count), int(newest))
    assert plan.change_set is None and plan.refusal is not None
    assert plan.refusal.kind == "own-bounded-memory"
    advised = re.search(r"--transaction-file-compact-factor (\d+)", plan.refusal.next_step)
    assert advised is not None
    again = plan_compaction(snapshot, CompactionOptions(transaction_factor=int(advised[1])), int(newest))
    assert again.change_set is not None
    assert max(len(write.content) for write in again.change_set.writes) <= MAX_FILE_BYTES


def test_a_broken_lease_cut_off_in_the_journal_holds_nobody_up(tmp_path: Path) -> None:
    store = base_folder(tmp_path)
    where = str(store)
    writer = Meddler(LocalWriter(where), lambda *_: any(store.glob("seamline/journal/*-break-*")), _die)
    broken = Operations(LocalReader(where), writer, LocalConditional(where), FakeMachine())
    with broken.lease("compact", "") as lease, pytest.raises(KeyboardInterrupt):
        broken.break_lease(lease.owner)
    assert operations_on(store).apply(merge_transactions(look_at(store))).outcome.finished


def _die() -> None:
    raise KeyboardInterrupt


def test_a_guard_saves_no_more_than_a_look_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = base_folder(tmp_path)
    sizes = sorted((file.stat().st_size, file.name) for file in store.glob("metadata/*"))
    monkeypatch.setattr(guarded, "MAX_FOLDER_BYTES", sum(size for size, _ in sizes) - 1)
    with operations_on(store).guarding(("true",)) as guarding:
        guarding.begin()
        [note] = guarding.ended(0).outcome.notes
    assert "1 file could not be saved" in note


def test_the_users_name_may_hold_any_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "op\udcff")
    store = base_folder(tmp_path)
    where = str(store)
    operations = Operations(LocalReader(where), LocalWriter(where), LocalConditional(where), ThisMachine())
    operations.apply(merge_transactions(look_at(store)))
    [operation] = engine_on(store).log()
    assert operation.intent is not None and operation.intent.user == "op\\xff"


def test_a_guard_learns_how_its_command_ended_where_children_are_ignored(tmp_path: Path) -> None:
    store = base_folder(tmp_path)
    machine = ThisMachine()
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with operations_on(store).lease("guard", "") as lease:
            assert run_child(["sh", "-c", "exit 3"], lease, machine, lambda _pid: None).code == 3
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_dead_holders_lease_stays_readable_when_it_is_freed(tmp_path: Path) -> None:
    store, machine = base_folder(tmp_path), FakeMachine()
    with operations_on(store).lease("compact", ""):
        held = (store / "compaction.lock").read_bytes()
    (store / "compaction.lock").write_bytes(held.replace(b'"seq":0', b'"seq":%d' % MAX_TOKEN))
    machine.ended.add(parse(held).holder)
    operations_on(store, machine).release_dead_lease()
    assert parse((store / "compaction.lock").read_bytes()).state == "free"

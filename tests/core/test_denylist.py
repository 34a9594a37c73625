"""What repairs rejected stays rejected as long as they are in force, and is told where it is visible again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

import pytest

from core.engine import Engine
from core.findings import Case, find
from core.findings.build import MOST_EVIDENCE
from core.journal import Piece, operations_in, piece_handle
from core.journal.denylist import denied_rows, denylist_of
from core.model import Finding, LaneKind, RangeRecord, Severity
from core.storage import LocalReader
from tests.support.change_sets import base_folder, engine_on, look_at, operations_on
from tests.support.changed_stores import cut_off, planned
from tests.support.repaired_stores import CONFLICT, REJECTED, conflicting_folder, rejection, repair, undo, write_again
from tests.support.stores import NOW, base_store, epoch, lines, snapshot_of, state, txn


class CountingReader(LocalReader):
    """A reader that notes what is opened."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.opened: list[str] = []

    def open(self, handle: str) -> BinaryIO:
        self.opened.append(handle)
        return super().open(handle)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return conflicting_folder(tmp_path / "store")


def denied(store: Path) -> dict[RangeRecord, str]:
    return denylist_of(LocalReader(str(store)), look_at(store))


def resurrected(store: Path) -> list[Finding]:
    engine = engine_on(store)
    return [each for each in engine.check(engine.look()).findings if each.kind == "resurrected"]


def test_a_finished_repair_denies_what_it_rejected(store: Path) -> None:
    assert denied(store) == {}
    operation = repair(store)
    assert denied(store) == {REJECTED: operation}
    assert resurrected(store) == []


def test_a_rejected_entry_that_is_visible_again_is_told_with_file_line_and_operation(store: Path) -> None:
    operation = repair(store)
    kept = txn(201, 300)
    write_again(store, kept, REJECTED, name="transaction_compacted_1-300.meta")
    [finding] = resurrected(store)
    assert (finding.first, finding.last, finding.severity) == (1, 100, Severity.ERROR)
    assert [entry.record for entry in finding.entries] == [REJECTED]
    assert [str(claim) for claim in finding.claims] == ["metadata/transaction_compacted_1-300.meta line 2"]
    assert "1 transaction entry for versions 1 to 100 that a repair rejected is visible again" in finding.explanation
    assert operation in finding.explanation
    assert finding.next_step == f"seamline repair {store} --dry-run"
    assert "compaction that had loaded the lines before the repair" in finding.cause


def test_the_problem_is_called_after_the_entry_that_came_back(store: Path) -> None:
    repair(store)
    write_again(store)
    engine = engine_on(store)
    [zone] = [each for each in engine.check(engine.look()).zones if each.lane is LaneKind.TRANSACTIONS]
    assert zone.title == "rejected entry back"
    assert {"overlap-manifest", "resurrected"} <= {finding.kind for finding in zone.findings}


def test_a_repair_that_was_undone_denies_nothing_until_the_undo_is_undone(store: Path) -> None:
    operation = repair(store)
    taken_back = undo(store, operation)
    assert denied(store) == {}
    assert resurrected(store) == []
    undo(store, taken_back)
    assert denied(store) == {REJECTED: operation}
    write_again(store, name="back.meta")
    assert len(resurrected(store)) == 1


def test_a_repair_that_did_not_end_denies_nothing_yet(store: Path) -> None:
    cut_off(store, rejection(look_at(store)), steps=0)
    assert denied(store) == {}
    operations_on(store).resume()
    assert set(denied(store)) == {REJECTED}


def test_while_an_undo_is_cut_off_what_comes_back_is_meant_to(store: Path) -> None:
    operation = repair(store)
    back = undo(store, operation)
    (store / piece_handle(operation, Piece.UNDONE)).unlink()
    assert len(resurrected(store)) == 1
    (store / piece_handle(back, Piece.OUTCOME)).unlink()
    assert denied(store) == {REJECTED: operation}
    assert resurrected(store) == []


def test_the_last_of_several_repairs_is_named(store: Path) -> None:
    first = repair(store)
    other = txn(101, 200, "transaction_101-.bbbb/transaction.manifest")
    write_again(store, REJECTED, other, name="both.meta")
    second = repair(store, "both.meta", REJECTED, other)
    assert first != second
    assert denied(store) == {REJECTED: second, other: second}


def test_an_entry_that_a_later_repair_let_stand_is_denied_no_more(store: Path) -> None:
    """A rejected entry came back and the next repair chose it; that is the last word, also when the store grows."""
    repair(store)
    (store / "metadata" / "transaction_1-100.meta").rename(store / "metadata" / "other.meta")
    write_again(store, name="back.meta")
    repair(store, "other.meta", txn(1, 100))
    assert REJECTED not in denied(store)
    assert resurrected(store) == []
    write_again(store, txn(201, 300), name="transaction_201-300.meta")
    assert resurrected(store) == []
    write_again(store, txn(1, 100), name="transaction_1-100.meta")
    assert {entry.record for finding in resurrected(store) for entry in finding.entries} == {txn(1, 100), REJECTED}


def test_entries_of_every_lane_are_known_again_and_those_that_lie_apart_are_told_apart(tmp_path: Path) -> None:
    store = base_folder(tmp_path / "store")
    rejected = (txn(0, 0, "b"), txn(101, 200, "b"), epoch(1, 1, 100, 100, "b"), state(1, 100, "b"))
    write_again(store, *rejected)
    repair(store, CONFLICT, *rejected)
    write_again(store, *rejected, name="back.meta")
    found = resurrected(store)
    assert [(each.lane.short, each.first, each.last) for each in found] == [
        ("txn", 0, 0),
        ("txn", 101, 200),
        ("epoch", 1, 1),
        ("state", 100, 100),
    ]


def test_an_inverted_entry_that_came_back_is_told_like_any_other(tmp_path: Path) -> None:
    snapshot = snapshot_of({**base_store(), "back.meta": lines(txn(201, 150, "b"))})
    [finding] = [
        each
        for each in find(Case(snapshot, NOW + 9_000, denylist={txn(201, 150, "b"): "an operation"}), 1)
        if each.kind == "resurrected"
    ]
    assert (finding.first, finding.last) == (150, 201)


def test_thousands_of_rejected_entries_are_a_few_findings(tmp_path: Path) -> None:
    records = [txn(number * 10, number * 10 + 4, "b") for number in range(3_000)]
    snapshot = snapshot_of({"a.meta": lines(*records)})
    found = [
        each
        for each in find(Case(snapshot, NOW + 9_000, denylist=dict.fromkeys(records, "an operation")), 1)
        if each.kind == "resurrected"
    ]
    assert len(found) == 201
    assert max(len(each.entries) for each in found) == MOST_EVIDENCE
    assert sum("2,800 transaction entries" in each.explanation for each in found) == 1


def test_nothing_is_read_where_there_was_no_repair(store: Path) -> None:
    (store / "metadata" / CONFLICT).unlink()
    operations_on(store).apply(planned(store))
    reader = CountingReader(store)
    assert denylist_of(reader, look_at(store)) == {}
    assert reader.opened == []


def test_of_a_journal_that_is_too_long_the_newest_repairs_count(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repair(store)
    other = txn(101, 200, "transaction_101-.bbbb/transaction.manifest")
    write_again(store, other, name="other.meta")
    second = repair(store, "other.meta", other)
    size = sum((store / piece_handle(second, piece)).stat().st_size for piece in (Piece.INTENT, Piece.OUTCOME))
    monkeypatch.setattr("core.journal.denylist.MAX_READ_BYTES", size + 10)
    assert set(denied(store)) == {other}
    monkeypatch.setattr("core.journal.denylist.MAX_READ_BYTES", size - 1)
    assert denied(store).get(other) is None


@pytest.mark.parametrize("piece", [Piece.INTENT, Piece.OUTCOME])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, None])
def test_a_journal_that_is_damaged_denies_nothing_and_hides_nothing_else(
    piece: Piece, content: bytes | None, store: Path
) -> None:
    operation = repair(store)
    other = txn(101, 200, "transaction_101-.bbbb/transaction.manifest")
    write_again(store, other, name="other.meta")
    repair(store, "other.meta", other)
    path = store / piece_handle(operation, piece)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    known = denied(store)
    assert other in known
    assert (REJECTED in known) == (piece is Piece.OUTCOME and content is not None)


def test_undos_that_name_each_other_end(store: Path) -> None:
    operation = repair(store)
    back = undo(store, operation)
    mark = (store / piece_handle(operation, Piece.UNDONE)).read_text()
    (store / piece_handle(back, Piece.UNDONE)).write_text(
        mark.replace(back, "?").replace(operation, back).replace("?", operation)
    )
    assert len(operations_in(look_at(store).journal)) == 2
    assert denied(store) == {REJECTED: operation}


def test_rows_are_found_by_the_whole_entry(store: Path) -> None:
    lane = look_at(store).index.transactions
    assert denied_rows(lane, {}).tolist() == []
    assert denied_rows(lane, {txn(1, 100, "c"): "x", state(1, 1, "c"): "x"}).tolist() == []
    [row] = denied_rows(lane, {REJECTED: "x"}).tolist()
    assert lane.record(row) == REJECTED


def test_the_engine_reads_the_journal_for_each_check(store: Path) -> None:
    repair(store)
    write_again(store)
    reader = CountingReader(store)
    engine = Engine(reader, operations_on(store).machine)
    assert "resurrected" in {each.kind for each in engine.check(engine.look()).findings}
    assert any(handle.endswith(".intent.json") for handle in reader.opened)
    shutil.rmtree(store / "seamline")
    assert "resurrected" not in {each.kind for each in engine.check(engine.look()).findings}

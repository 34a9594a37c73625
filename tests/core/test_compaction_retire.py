"""A file goes only when all that counts of it stands in files that stay; an identity alone keeps no more than one."""

from __future__ import annotations

import numpy as np
import pytest

from core.changes.targets import free_targets
from core.columns import Mask
from core.compaction.names import compacted_name_of, own_name, stock_name_of
from core.compaction.retire import departing
from core.index import Index
from core.model import IdentityRecord, LaneKind, Record
from core.stock import LANE_ORDER
from tests.support.stores import epoch, lines, snapshot_of, state, txn

ONE, TWO = IdentityRecord("01" * 32), IdentityRecord("02" * 32)


def leaving(files: dict[str, list[Record]], expired: str, written: tuple[LaneKind, ...] = ()) -> tuple[str, str]:
    """Which of the `expired` files (by letter) may go and which are kept; lanes in `written` are all in new files."""
    index: Index = snapshot_of({f"{name}.meta": lines(*records) for name, records in files.items()}).index
    names = sorted(files)
    masks: dict[LaneKind, Mask] = {
        kind: np.full(len(index.lanes[kind]), kind in written, dtype=np.bool_) for kind in LANE_ORDER
    }
    outcome = departing(index, np.array([name in expired for name in names]), masks)
    gone = "".join(name for name, goes in zip(names, outcome.leaving, strict=True) if goes)
    return gone, "".join(names[number] for number, _ in outcome.kept)


@pytest.mark.parametrize(
    ("files", "expired", "written", "outcome"),
    [
        ({"a": [txn(0, 0)], "b": [txn(0, 0)]}, "a", (), ("a", "")),
        ({"a": [txn(0, 0)], "b": [txn(0, 0)]}, "ab", (), ("", "ab")),
        ({"a": [txn(0, 0)], "b": [txn(0, 0)]}, "ab", (LaneKind.TRANSACTIONS,), ("ab", "")),
        ({"a": [txn(0, 0), state(0, 0)], "b": [txn(0, 0)]}, "a", (), ("", "a")),
        ({"a": [txn(0, 0), state(0, 0)], "b": [txn(0, 0)]}, "a", (LaneKind.STATE_SNAPSHOTS,), ("a", "")),
        ({"a": [txn(0, 0, "x")], "b": [txn(0, 0, "y")]}, "a", (), ("", "a")),
        ({"a": [epoch(0, 0, 0, 0)], "b": [epoch(0, 0, 0, 0), epoch(1, 1, 1, 1)], "c": []}, "ac", (), ("ac", "")),
        ({"a": [], "b": [txn(0, 0)]}, "a", (), ("a", "")),
        ({"a": [ONE], "b": [ONE]}, "ab", (), ("b", "a")),
        ({"a": [ONE], "b": [ONE, TWO], "c": [TWO]}, "abc", (), ("c", "ab")),
        ({"a": [ONE], "b": [ONE]}, "b", (), ("b", "")),
        ({"a": [ONE, txn(0, 0)], "b": [ONE], "c": [TWO]}, "ab", (), ("b", "a")),
        ({"a": [ONE]}, "", (), ("", "")),
    ],
)
def test_what_may_go(
    files: dict[str, list[Record]], expired: str, written: tuple[LaneKind, ...], outcome: tuple[str, str]
) -> None:
    assert leaving(files, expired, written) == outcome


def test_targets_in_the_backup_folder_are_never_taken_twice() -> None:
    retired = snapshot_of({"x.meta": b""}, {"a.meta": b"", "b.meta.1": b""}).retired
    assert list(free_targets(retired, ["a.meta", "b.meta", "b.meta", "c.meta"])) == [
        "metadata_backup/a.meta.1",
        "metadata_backup/b.meta",
        "metadata_backup/b.meta.2",
        "metadata_backup/c.meta",
    ]


@pytest.mark.parametrize(
    ("name", "stock_name"),
    [
        ("transaction_compacted_0-99_0123abcd.meta", "transaction_compacted_0-99.meta"),
        ("epoch_ending_compacted_0-99_0123abcd.meta", "epoch_ending_compacted_0-99.meta"),
        ("state_snapshot_compacted_epoch_0_9_0123abcd.meta", "state_snapshot_compacted_epoch_0_9.meta"),
        ("state_snapshot_compacted_epoch_0_12345678.meta", None),
        ("transaction_compacted_0-99.meta", None),
        ("transaction_0-99_0123abcd.meta", None),
        ("transaction_compacted_0-99_0123ABCD.meta", None),
        ("transaction_compacted_0-99_0123abc.meta", None),
        ("transaction_compacted_0-099_0123abcd.meta", None),
        ("x_0123abcd.meta", None),
    ],
)
def test_names_of_our_own_are_told_from_all_others(name: str, stock_name: str | None) -> None:
    assert stock_name_of(name) == (stock_name or name)


@pytest.mark.parametrize("name", ["transaction_compacted_0-99.meta", "transaction_compacted_0-99_0123abcd.meta"])
def test_both_names_of_a_compacted_file_promise_its_range(name: str) -> None:
    promise = compacted_name_of(name)
    assert promise is not None
    assert (promise.kind, promise.first, promise.last) == (LaneKind.TRANSACTIONS, 0, 99)
    assert compacted_name_of("transaction_0-99.meta") is None


def test_a_name_of_our_own_follows_from_the_content_alone() -> None:
    name = own_name("transaction_compacted_0-9.meta", b"x\n")
    assert stock_name_of(name) == "transaction_compacted_0-9.meta"
    assert name == own_name("transaction_compacted_0-9.meta", b"x\n")
    others = {own_name("transaction_compacted_0-9.meta", b"y\n"), own_name("transaction_compacted_0-9.meta", b"x\n", 1)}
    assert len(others | {name}) == 3

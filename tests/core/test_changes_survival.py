"""A file may go only when each of its lines stands elsewhere; brute force says the same of every store."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.changes.survival import lost_entries, survival_of
from core.model import Claim, IdentityRecord, LaneKind, Record
from tests.support.soaking import examples
from tests.support.stores import epoch, lines, snapshot_of, state, txn

_RECORDS: list[Record] = [
    *(txn(0, 9), txn(0, 9, "other"), txn(10, 19)),
    *(epoch(0, 0, 5, 5), state(0, 5), IdentityRecord("ab" * 32), IdentityRecord("cd" * 32)),
]
_FILES = st.lists(st.lists(st.sampled_from(_RECORDS), max_size=5), max_size=6)


def _handle(number: int) -> str:
    return f"metadata/f{number}.meta"


@settings(max_examples=examples(300))
@given(_FILES, st.sets(st.integers(0, 5)), st.sets(st.sampled_from(_RECORDS[:3])))
def test_survival_is_what_brute_force_says(files: list[list[Record]], going: set[int], rejected: set[Record]) -> None:
    index = snapshot_of({f"f{number}.meta": lines(*records) for number, records in enumerate(files)}).index
    going = {number for number in going if number < len(files)}
    kept = {record: number for number in reversed(range(len(files))) if number not in going for record in files[number]}
    found = survival_of(index, {_handle(number) for number in going}, rejected)  # type: ignore[arg-type]
    assert set(found) == {_handle(number) for number in going}
    for number in going:
        orphans = {
            Claim(_handle(number), line)
            for line, record in enumerate(files[number], start=1)
            if record not in kept and record not in rejected
        }
        keepers = {_handle(kept[record]) for record in files[number] if record in kept}
        assert set(found[_handle(number)].orphans) == orphans
        assert set(found[_handle(number)].keepers) == keepers


@settings(max_examples=examples(200))
@given(_FILES, _FILES)
def test_lost_entries_are_a_set_difference(before: list[list[Record]], after: list[list[Record]]) -> None:
    old, new = (
        snapshot_of({f"f{number}.meta": lines(*records) for number, records in enumerate(files)}).index
        for files in (before, after)
    )
    lost = {old.lanes[kind].record(row) for kind, rows in lost_entries(old, new) for row in rows.tolist()}
    entries = {record for records in before for record in records if not isinstance(record, IdentityRecord)}
    assert lost == entries - {record for records in after for record in records}


def test_a_file_with_a_line_that_cannot_be_read_keeps_nothing_alive_once_it_has_a_fault() -> None:
    snapshot = snapshot_of({"a.meta": lines(txn(0, 9)), "b.meta": b"\x1f\x8bnot really gzip"})
    assert survival_of(snapshot.index, {"metadata/a.meta"})["metadata/a.meta"].orphans == (Claim("metadata/a.meta", 1),)
    assert survival_of(snapshot.index, {"metadata/none.meta"}) == {}
    assert survival_of(snapshot.index, {"metadata/b.meta"})["metadata/b.meta"].orphans == ()


def test_a_line_that_a_file_repeats_does_not_keep_itself_alive() -> None:
    snapshot = snapshot_of({"a.meta": lines(state(0, 5), state(0, 5))})
    orphans = survival_of(snapshot.index, {"metadata/a.meta"})["metadata/a.meta"].orphans
    assert [claim.line for claim in orphans] == [1, 2]
    assert snapshot.index.lanes[LaneKind.STATE_SNAPSHOTS].claims(0) == orphans

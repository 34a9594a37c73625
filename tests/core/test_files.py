"""What each metadata file holds beside what its name promises, against a look at every line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.codec import parse_line
from core.files import FileTable
from core.findings import Case, find
from core.model import EpochEndingRecord, LaneKind, StateSnapshotRecord, TransactionRecord
from core.snapshot import Snapshot
from tests.support.stores import epoch, lines, snapshot_of, state, txn

numbers = st.integers(0, 2**64 - 1)
records = st.one_of(
    st.builds(txn, numbers, numbers),
    st.builds(epoch, numbers, numbers, numbers, numbers),
    st.builds(state, numbers, numbers),
)
KINDS = {
    TransactionRecord: LaneKind.TRANSACTIONS,
    EpochEndingRecord: LaneKind.EPOCH_ENDINGS,
    StateSnapshotRecord: LaneKind.STATE_SNAPSHOTS,
}


def table_of(snapshot: Snapshot) -> FileTable:
    """The table of `metadata/`."""
    return FileTable(snapshot.index)


@given(st.lists(st.lists(records, min_size=1, max_size=4), max_size=5))
def test_lines_are_counted_by_kind_as_they_stand_in_the_file(
    files: list[list[TransactionRecord | EpochEndingRecord | StateSnapshotRecord]],
) -> None:
    snapshot = snapshot_of({f"file{number}.meta": lines(*held) for number, held in enumerate(files)})
    table = table_of(snapshot)
    for number in range(len(table)):
        facts = table.facts(number)
        content = snapshot.index.content(number)
        kinds = [KINDS[type(parse_line(line).record)] for line in content.splitlines()]  # type: ignore[index]
        assert dict(facts.lines) == {kind: kinds.count(kind) for kind in set(kinds)}
        assert (facts.held is None) == (len(set(kinds)) > 1)


def test_a_file_that_ends_early_disagrees_with_its_name() -> None:
    snapshot = snapshot_of({"transaction_compacted_0-299.meta": lines(txn(0, 99), txn(100, 199))})
    facts = table_of(snapshot).facts(0)
    assert facts.held == (0, 199)
    assert facts.agrees is False and facts.troubled


def test_compacted_snapshots_are_compared_in_epochs_and_single_ones_in_versions() -> None:
    metadata = {
        "state_snapshot_compacted_epoch_3_9.meta": lines(state(3, 1_000), state(9, 5_000)),
        "state_snapshot_ver_7000.meta": lines(state(12, 7_000)),
    }
    table = table_of(snapshot_of(metadata))
    assert [table.facts(number).held for number in range(2)] == [(3, 9), (7_000, 7_000)]
    assert all(table.facts(number).agrees for number in range(2))


def test_a_name_for_another_kind_of_line_disagrees() -> None:
    facts = table_of(snapshot_of({"transaction_0-99.meta": lines(state(0, 99))})).facts(0)
    assert facts.agrees is False


def test_an_unknown_name_is_trouble_and_an_identity_is_none() -> None:
    identity = '{"Identity":{"id":"' + "ab" * 32 + '"}}\n'
    table = table_of(snapshot_of({"identity.meta": identity, "notes.txt": lines(txn(0, 1))}))
    known, unknown = table.facts(0), table.facts(1)
    assert known.lines == (("identity", 1),) and known.agrees is None and not known.troubled
    assert unknown.name is None and unknown.troubled


def test_a_refused_line_is_kept_with_its_number_and_stocks_words() -> None:
    facts = table_of(snapshot_of({"transaction_0-1.meta": lines(txn(0, 1)) + b"{\n"})).facts(0)
    assert facts.troubled and facts.file.bad_lines == 1
    assert [(each.claim.line, each.hazard) for each in facts.problems] == [(2, "bad-json-line")]


def test_findings_are_told_at_every_file_that_they_name() -> None:
    snapshot = snapshot_of({"a.meta": lines(txn(0, 9, "a")), "b.meta": lines(txn(0, 9, "b"))})
    findings = find(Case(snapshot=snapshot, now=snapshot.taken_at), 1)
    table = FileTable(snapshot.index, findings)
    for number in range(2):
        assert any(finding.kind.startswith("overlap") for finding in table.facts(number).findings)

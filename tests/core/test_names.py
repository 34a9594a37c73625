"""Names of metadata files and backup folders, and the rule of what may be opened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import (
    U64_MAX,
    EpochEndingRecord,
    IdentityRecord,
    LaneKind,
    RangeRecord,
    Record,
    StateSnapshotRecord,
    TimestampsRecord,
    TransactionRecord,
)
from core.names import (
    MAX_HANDLE_BYTES,
    BackupFolder,
    MetadataName,
    alone_name,
    compacted_name,
    handle_problem,
    is_safe_name,
    parse_backup_folder,
    parse_metadata_name,
)

U64S = st.integers(0, U64_MAX)


@pytest.mark.parametrize(
    ("name", "meaning", "unit"),
    [
        ("transaction_1-100000.meta", MetadataName(LaneKind.TRANSACTIONS, False, 1, 100000), "version"),
        ("transaction_compacted_0-999999.meta", MetadataName(LaneKind.TRANSACTIONS, True, 0, 999999), "version"),
        ("epoch_ending_0-0.meta", MetadataName(LaneKind.EPOCH_ENDINGS, False, 0, 0), "epoch"),
        ("epoch_ending_compacted_0-99.meta", MetadataName(LaneKind.EPOCH_ENDINGS, True, 0, 99), "epoch"),
        ("state_snapshot_ver_123.meta", MetadataName(LaneKind.STATE_SNAPSHOTS, False, 123, 123), "version"),
        (
            "state_snapshot_compacted_epoch_0_24.meta",
            MetadataName(LaneKind.STATE_SNAPSHOTS, True, 0, 24),
            "epoch",
        ),
        ("compaction_timestamps_1700000000.meta", MetadataName("timestamps", False, 1700000000, 1700000000), "second"),
        ("identity.meta", MetadataName("identity", False, 0, 0), ""),
        (
            f"transaction_0-{U64_MAX}.meta",
            MetadataName(LaneKind.TRANSACTIONS, False, 0, U64_MAX),
            "version",
        ),
    ],
)
def test_a_name_of_stock_tells_kind_form_and_range(name: str, meaning: MetadataName, unit: str) -> None:
    assert parse_metadata_name(name) == meaning
    assert meaning.unit == unit


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x.meta",
        "identity.meta\n",
        "transaction_01-2.meta",
        "transaction_1-2.meta.gz",
        "transaction_1-.meta",
        "transaction_-1-2.meta",
        "transaction_1_2.meta",
        f"transaction_0-{U64_MAX + 1}.meta",
        "transaction_0-99999999999999999999.meta",
        "transaction_٣-٤.meta",
        "transaction_repaired_1-2.0.meta",
        "state_snapshot_compacted_epoch_0-24.meta",
        "metadata/identity.meta",
        "transaction_" + "9" * 5000 + "-1.meta",
    ],
)
def test_other_names_promise_nothing(name: str) -> None:
    assert parse_metadata_name(name) is None


RANGES: st.SearchStrategy[RangeRecord] = st.one_of(
    st.builds(TransactionRecord, U64S, U64S, st.just("m")),
    st.builds(EpochEndingRecord, U64S, U64S, U64S, U64S, st.just("m")),
    st.builds(StateSnapshotRecord, U64S, U64S, st.just("m")),
)


@given(RANGES | st.builds(IdentityRecord, st.just("x")) | st.builds(TimestampsRecord, U64S, st.just({})))
def test_every_record_has_a_name_that_is_safe_and_reads_back(record: Record) -> None:
    name = alone_name(record)
    assert is_safe_name(name)
    parsed = parse_metadata_name(name)
    assert parsed is not None
    assert not parsed.compacted


@given(RANGES)
def test_a_run_of_one_has_a_compacted_name_that_is_safe_and_reads_back(record: RangeRecord) -> None:
    name = compacted_name([record])
    assert is_safe_name(name)
    parsed = parse_metadata_name(name)
    assert parsed is not None
    assert parsed.compacted


def test_stock_names_records_alone_by_their_own_range() -> None:
    assert alone_name(TransactionRecord(1, 100000, "m")) == "transaction_1-100000.meta"
    assert alone_name(EpochEndingRecord(5, 9, 1, 2, "m")) == "epoch_ending_5-9.meta"
    assert alone_name(StateSnapshotRecord(4, 123, "m")) == "state_snapshot_ver_123.meta"
    assert alone_name(IdentityRecord("x")) == "identity.meta"
    assert alone_name(TimestampsRecord(17, {})) == "compaction_timestamps_17.meta"


def test_stock_names_compacted_runs_from_their_first_to_their_last_record() -> None:
    transactions = [TransactionRecord(0, 0, "a"), TransactionRecord(1, 100, "b"), TransactionRecord(101, 200, "c")]
    assert compacted_name(transactions) == "transaction_compacted_0-200.meta"
    epochs = [EpochEndingRecord(3, 4, 30, 40, "a"), EpochEndingRecord(5, 9, 50, 90, "b")]
    assert compacted_name(epochs) == "epoch_ending_compacted_3-9.meta"
    snapshots = [StateSnapshotRecord(0, 10, "a"), StateSnapshotRecord(24, 20, "b")]
    assert compacted_name(snapshots) == "state_snapshot_compacted_epoch_0_24.meta"


@pytest.mark.parametrize("records", [[], [TransactionRecord(0, 0, "a"), StateSnapshotRecord(0, 0, "b")]])
def test_no_compacted_file_is_empty_or_mixed(records: list[RangeRecord]) -> None:
    with pytest.raises(ValueError, match="one lane"):
        compacted_name(records)


@pytest.mark.parametrize(
    ("handle", "folder"),
    [
        ("transaction_1-.e5f6/transaction.manifest", BackupFolder(LaneKind.TRANSACTIONS, 1, None, "e5f6")),
        ("epoch_ending_5-.a1b2/epoch_ending.manifest", BackupFolder(LaneKind.EPOCH_ENDINGS, 5, None, "a1b2")),
        ("state_epoch_4_ver_123.c3d4/state.manifest", BackupFolder(LaneKind.STATE_SNAPSHOTS, 123, 4, "c3d4")),
        ("state_epoch_4_ver_123.c3d4", BackupFolder(LaneKind.STATE_SNAPSHOTS, 123, 4, "c3d4")),
        (f"transaction_{U64_MAX}-.0000/x", BackupFolder(LaneKind.TRANSACTIONS, U64_MAX, None, "0000")),
        (f"transaction_{U64_MAX + 1}-.0000/x", None),
        ("transaction_01-.e5f6/x", None),
        ("transaction_1-2.e5f6/x", None),
        ("transaction_1-.e5f/x", None),
        ("transaction_1-.E5F6/x", None),
        ("state_epoch_4_ver_123-.c3d4/x", None),
        ("a/transaction_1-.e5f6/x", None),
        ("s3://bucket/transaction_1-.e5f6/x", None),
        ("m", None),
        ("", None),
    ],
)
def test_a_backup_folder_tells_where_its_backup_starts(handle: str, folder: BackupFolder | None) -> None:
    assert parse_backup_folder(handle) == folder


@pytest.mark.parametrize(
    ("name", "is_safe"),
    [
        ("identity.meta", True),
        ("abc", True),
        ("a" * 127, True),
        ("ab", False),
        ("a" * 128, False),
        (".lock", False),
        ("-rf", False),
        ("a b.meta", False),
        ("a/b", False),
        ("abc\n", False),
        ("é.meta", False),
        ("x$(id)", False),
    ],
)
def test_a_safe_name_is_one_that_a_shell_leaves_alone(name: str, is_safe: bool) -> None:
    assert is_safe_name(name) is is_safe


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        ("", "it is empty"),
        ("/etc/passwd", "it is an absolute path"),
        ("../x", 'it has a "." or ".." part'),
        ("metadata/..", 'it has a "." or ".." part'),
        ("./x", 'it has a "." or ".." part'),
        ("a//b", "it has an empty part"),
        ("a/", "it has an empty part"),
        ("a\\b", "it has a backslash"),
        ("a\0b", "it has a control character"),
        ("a\x1b[31mb", "it has a control character"),
        ("a\x7fb", "it has a control character"),
        ("a\u0085b", "it has a control character"),
        ("a\udcffb", "it is not valid Unicode"),
        ("s3://bucket/x", "it is another storage's handle"),
        ("file:///etc/passwd", "it is another storage's handle"),
        ("x" * (MAX_HANDLE_BYTES + 1), "it is longer than 1,024 bytes"),
        ("é" * 513, "it is longer than 1,024 bytes"),
    ],
)
def test_a_handle_that_must_not_be_opened_is_refused_with_the_reason(handle: str, reason: str) -> None:
    assert handle_problem(handle) == reason


@pytest.mark.parametrize(
    "handle",
    [
        "metadata/identity.meta",
        "transaction_1-.e5f6/transaction.manifest",
        "m",
        "...",
        "a..b/.hidden",
        "[/x].meta",
        "a\u2028b",
        "x:y",
        "x" * MAX_HANDLE_BYTES,
    ],
)
def test_a_handle_inside_the_store_may_be_opened_however_odd_it_looks(handle: str) -> None:
    assert handle_problem(handle) is None


@given(st.text())
def test_no_handle_without_a_problem_leads_out_of_the_store(handle: str) -> None:
    if handle_problem(handle) is None:
        parts = handle.split("/")
        assert all(part not in ("", ".", "..") for part in parts)
        assert len(handle.encode()) <= MAX_HANDLE_BYTES

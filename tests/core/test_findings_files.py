"""Findings of files, lines and listings: torn, empty, foreign and hostile ones, and what can be recovered."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from core.codec import encode_record
from core.findings import Case, find
from core.findings.cache_hash import cache_hashes
from core.findings.listing import same_hashes
from core.host import FixedHost
from core.model import Finding, IdentityRecord, LaneKind, Record, Severity
from core.phrases import command
from core.snapshot import Snapshot, take_snapshot
from core.storage.protocol import HandleUnreadable, ListedKind, ReadFault
from tests.support.gzipped import gzipped
from tests.support.hazards import LOOKED_AT, WRITTEN_AT, check, kinds, look, settle
from tests.support.stores import NOW, MemoryReader, base_store, lines, snapshot_of, txn, with_backups

TXN, FILES = LaneKind.TRANSACTIONS, LaneKind.FILES


def findings_of(snapshot: Snapshot, level: int = 1, now: float = NOW + 9_000) -> tuple[Finding, ...]:
    return find(Case(snapshot, now), level)


def in_base(**files: bytes | str) -> Snapshot:
    """Base store B with more files; `__` in a name stands for a dot."""
    return snapshot_of({**base_store(), **{name.replace("__", "."): content for name, content in files.items()}})


def one(findings: tuple[Finding, ...], kind: str) -> Finding:
    (found,) = (each for each in findings if each.kind == kind)
    return found


def write_store(folder: Path) -> Path:
    """Base store B on disk, written long ago."""
    (folder / "metadata").mkdir(parents=True)
    for name, content in base_store().items():
        (folder / "metadata" / name).write_bytes(content)
    settle(folder)
    return folder


# Lines

GOOD = encode_record(txn(201, 300)).decode()

BAD_LINES = {
    "blank-line": ("\n", "EOF while parsing a value at line 1 column 0"),
    "bad-json-line": ('{"TransactionBackup":{"first_version":20\n', "EOF while parsing an object at line 1 column 40"),
    "bad-encoding": ("\ufeff" + GOOD, "expected value at line 1 column 1"),
    "number-not-u64": (GOOD.replace("201,", "201.0,"), "invalid type: floating point `201"),
    "duplicate-key": (GOOD.replace('"last', '"first_version":1,"last'), "duplicate field `first_version`"),
    "unknown-variant": ('{"Foo":{}}\n', "unknown variant `Foo`"),
}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_a_line_that_stock_refuses_is_named_with_its_file_and_line(kind: str) -> None:
    line, words = BAD_LINES[kind]
    found = one(findings_of(in_base(x__meta=GOOD + line)), kind)
    assert found.severity is Severity.CRITICAL
    assert found.stock_says is not None and found.stock_says.startswith(words)
    assert [str(claim) for claim in found.claims] == ["metadata/x.meta line 2"]
    newer = "sed -n 2p -- memory/metadata/x.meta | cat -v"
    assert found.next_step == (newer if kind == "unknown-variant" else "seamline repair memory --dry-run")


@pytest.mark.parametrize("name", ["x.meta", "notes.txt"])
def test_a_file_with_nothing_but_a_bad_line_is_set_aside_as_a_whole_if_it_is_no_metadata_by_its_name(name: str) -> None:
    found = one(findings_of(snapshot_of({**base_store(), name: b"\xff\xfe\n"})), "bad-encoding")
    assert found.stock_says == "stream did not contain valid UTF-8"
    aside = f"mkdir -p -- memory/metadata_quarantine && mv -n -- memory/metadata/{name} memory/metadata_quarantine/"
    assert found.next_step == (aside if name == "notes.txt" else "seamline repair memory --dry-run")


@pytest.mark.parametrize("odd", ["folder", "link", "closed", "gzip", "name"])
def test_beside_what_no_repair_can_take_bad_lines_and_lost_ones_are_looked_at_by_hand(odd: str, tmp_path: Path) -> None:
    store = write_store(tmp_path)
    (store / "metadata/x.meta").write_text(GOOD + "{}\n")
    (store / "metadata_backup").mkdir()
    (store / "metadata/transaction_1-100.meta").rename(store / "metadata_backup/transaction_1-100.meta")
    assert one(check(store), "gap-range").next_step == f"seamline repair {store} --dry-run"
    place = store / "metadata" / (os.fsdecode(b"\xff.meta") if odd == "name" else "odd")
    if odd == "folder":
        place.mkdir()
    elif odd == "link":
        place.symlink_to("/nowhere")
    else:
        contents = {"closed": b"\x1f\x8bno gzip", "gzip": gzipped(lines(txn(0, 0))), "name": lines(txn(0, 0))}
        place.write_bytes(contents[odd])
    found = check(store)
    assert one(found, "bad-json-line").next_step == f"sed -n 2p -- {store}/metadata/x.meta | cat -v"
    assert one(found, "gap-range").next_step == (
        f"mv -n -- {store}/metadata_backup/transaction_1-100.meta {store}/metadata/"
    )


def test_many_bad_lines_of_one_file_are_one_finding_that_counts_them() -> None:
    found = one(findings_of(in_base(x__meta=GOOD + "{}\n" * 500)), "bad-json-line")
    assert "and 499 other lines of the file as well" in found.explanation


def test_a_torn_line_tells_which_file_stocks_log_means() -> None:
    found = one(findings_of(in_base(x__meta="{}\n")), "error-names-no-file")
    assert f"{int(cache_hashes(['metadata/x.meta'])[0]):x}" in found.explanation
    assert found.severity is Severity.INFO


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('{"TransactionBackup":[201,300,"m"]}\n', "array-form-record"),
        (GOOD.replace("aaaa", "aa\u2028aa"), "line-separator-chars"),
    ],
)
def test_an_odd_line_that_stock_accepts_is_information(line: str, kind: str) -> None:
    found = one(findings_of(in_base(x__meta=line)), kind)
    assert (found.severity, found.stock_says) == (Severity.INFO, None)


def test_repeated_lines_are_counted_and_are_no_conflict() -> None:
    found = findings_of(in_base(x__meta=lines(txn(0, 0), txn(1, 100))))
    assert "2 lines repeat a line" in one(found, "duplicate-line").explanation
    assert all(each.severity is Severity.INFO for each in found)


# Torn, empty and fresh files


@pytest.mark.parametrize("content", [b"", gzipped(b"")])
def test_a_file_without_lines_is_an_error_with_the_range_its_name_promised(content: bytes) -> None:
    found = one(findings_of(snapshot_of({**base_store(), "transaction_101-200.meta": content})), "empty-meta-file")
    assert (found.lane, found.first, found.last, found.severity) == (TXN, 101, 200, Severity.ERROR)
    assert "mv -n -- memory/metadata/transaction_101-200.meta" in found.next_step
    assert found.next_step.endswith("--start-version 101 --num_transactions 100 --local-fs-dir memory")


def test_an_empty_file_with_no_telling_name_concerns_the_file_only() -> None:
    found = one(findings_of(in_base(x__meta=b"")), "empty-meta-file")
    assert (found.lane, found.first) == (FILES, None)


@pytest.mark.parametrize(
    "files",
    [
        {"transaction_201-300.meta": b""},
        {"transaction_201-300.meta": b'{"TransactionBackup":{"first_ver'},
        {"transaction_compacted_0-300.meta": lines(txn(0, 0), txn(1, 100))},
    ],
    ids=["empty", "half a line", "half a compacted file"],
)
def test_a_torn_file_younger_than_a_minute_is_in_flight_and_not_torn(files: dict[str, bytes]) -> None:
    snapshot = snapshot_of({**base_store(), **files})
    fresh, old = findings_of(snapshot, now=NOW + 59), findings_of(snapshot, now=NOW + 60)
    torn = {"empty-meta-file", "bad-json-line", "partial-compacted-file", "name-content-disagree"}
    assert one(fresh, "read-while-written").severity is Severity.INFO
    assert not kinds(fresh) & torn
    assert kinds(old) & torn and "read-while-written" not in kinds(old)


def test_a_whole_line_that_is_bad_is_bad_however_young_it_is() -> None:
    snapshot = in_base(x__meta="{}\n")
    assert "bad-json-line" in kinds(findings_of(snapshot, now=NOW + 1))


def test_a_compacted_file_that_ends_early_says_what_is_missing_and_where_it_is_still() -> None:
    torn = snapshot_of({**base_store(), "transaction_compacted_0-200.meta": lines(txn(0, 0), txn(1, 100))})
    found = one(findings_of(torn), "partial-compacted-file")
    assert (found.first, found.last) == (101, 200)
    assert "1 entry of them stands in other files still" in found.explanation


def test_a_compacted_snapshot_file_is_compared_in_epochs() -> None:
    whole = {
        "state_snapshot_compacted_epoch_0_1.meta": b"".join(
            base_store()[f"state_snapshot_ver_{v}.meta"] for v in (0, 100)
        )
    }
    assert all(each.severity is Severity.INFO for each in findings_of(snapshot_of({**base_store(), **whole})))
    torn = {"state_snapshot_compacted_epoch_0_1.meta": base_store()["state_snapshot_ver_0.meta"]}
    found = one(findings_of(snapshot_of({**base_store(), **torn})), "partial-compacted-file")
    assert (found.lane, found.first) == (FILES, None)


def test_a_file_under_the_name_of_another_range_disagrees_but_is_not_torn() -> None:
    found = findings_of(snapshot_of({**base_store(), "transaction_compacted_500-600.meta": lines(txn(0, 0))}))
    assert "promises versions 500 to 600" in one(found, "name-content-disagree").explanation
    assert "partial-compacted-file" not in kinds(found)


# What metadata_backup/ holds


def test_lines_of_a_gap_that_survive_as_retired_are_recoverable_with_one_command(tmp_path: Path) -> None:
    """By hand where a folder keeps a repair out; the command is run by a shell, on a store with a hostile name."""
    store = write_store(tmp_path / "it's; a $(touch pwned) 'store'")
    (store / "metadata_backup").mkdir()
    (store / "metadata/transaction_1-100.meta").rename(store / "metadata_backup/transaction_1-100.meta")
    gap = one(check(store), "gap-range")
    assert "1 line in metadata_backup/ fills all of it and can be recovered" in gap.explanation
    assert [str(claim) for claim in gap.claims] == ["metadata_backup/transaction_1-100.meta line 1"]
    assert gap.next_step == command("seamline", "repair", str(store), "--dry-run")
    (store / "metadata/sub").mkdir()
    gap = one(check(store), "gap-range")
    (store / "metadata/sub").rmdir()
    subprocess.run(["bash", "-c", gap.next_step], check=True, cwd=tmp_path)
    assert check(store) == ()
    assert not (tmp_path / "pwned").exists()


def test_an_empty_file_in_the_way_is_set_aside_before_its_lines_are_brought_back(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store")
    (store / "metadata_backup").mkdir()
    (store / "metadata/transaction_1-100.meta").rename(store / "metadata_backup/transaction_1-100.meta")
    (store / "metadata/transaction_1-100.meta").touch()
    settle(store)
    assert one(check(store), "empty-meta-file").next_step == f"seamline repair {store} --dry-run"
    (store / "metadata/sub").mkdir()
    found = one(check(store), "empty-meta-file")
    (store / "metadata/sub").rmdir()
    subprocess.run(["bash", "-c", found.next_step], check=True)
    assert check(store) == ()
    assert (store / "metadata_quarantine/transaction_1-100.meta").read_bytes() == b""


def test_an_empty_file_whose_lines_stand_elsewhere_is_only_set_aside() -> None:
    whole = {"transaction_compacted_0-200.meta": lines(txn(0, 0), txn(1, 100), txn(101, 200))}
    files = {name: content for name, content in base_store().items() if not name.startswith("transaction")}
    found = one(findings_of(snapshot_of({**files, **whole, "transaction_101-200.meta": b""})), "empty-meta-file")
    assert found.next_step.endswith("memory/metadata_quarantine/")
    again = {"transaction_compacted_101-200.meta": b""}
    found = one(findings_of(snapshot_of({**base_store(), **again})), "empty-meta-file")
    assert found.next_step == "seamline repair memory --dry-run"


def test_a_retired_file_that_would_bring_a_conflict_back_as_well_is_no_way_back_by_hand() -> None:
    """A repair takes the line and leaves the rest of the file where it is."""
    files = {name: content for name, content in base_store().items() if name != "transaction_1-100.meta"}
    both = lines(txn(1, 100), txn(101, 200, "other"))
    retired = {"transaction_compacted_1-200.meta": both}
    gap = one(findings_of(snapshot_of(files, retired)), "gap-range")
    assert "can be recovered" in gap.explanation
    assert gap.next_step == "seamline repair memory --dry-run"
    files["bad\n.meta"] = b""
    gap = one(findings_of(snapshot_of(files, retired)), "gap-range")
    assert gap.next_step.startswith("aptos-db-tool backup oneoff transaction")


def test_retired_lines_that_fill_only_a_part_say_so() -> None:
    files = {name: content for name, content in base_store().items() if name != "transaction_1-100.meta"}
    gap = one(findings_of(snapshot_of(files, {"a.meta": lines(txn(1, 40), txn(61, 100))})), "gap-range")
    assert "2 lines in metadata_backup/ fill parts of it" in gap.explanation


def test_entries_above_all_others_that_only_survive_as_retired_are_missed() -> None:
    found = one(findings_of(snapshot_of(base_store(), {"t.meta": lines(txn(201, 300))})), "gap-range")
    assert (found.first, found.last, found.severity) == (201, 300, Severity.ERROR)
    assert found.stock_says is None
    assert found.next_step == "seamline repair memory --dry-run"


def test_lost_entries_behind_a_gap_are_of_use_only_once_it_is_closed() -> None:
    found = one(findings_of(snapshot_of(base_store(), {"t.meta": lines(txn(301, 400))})), "gap-range")
    closing = "aptos-db-tool backup oneoff transaction --start-version 201 --num_transactions 100"
    assert found.next_step == f"{closing} --local-fs-dir memory"


def test_what_a_repair_rejected_is_nothing_to_bring_back() -> None:
    rejected = txn(1, 100, "b")
    retired = {"a.meta": lines(rejected, txn(201, 300, "c"))}
    denied = dict.fromkeys((rejected, txn(201, 300, "c")), "20260101T000000Z-000001-repair-00000000")
    assert kinds(findings_of(snapshot_of(base_store(), retired))) == {"compacted-name-collision", "gap-range"}
    assert find(Case(snapshot_of(base_store(), retired), NOW + 9_000, denylist=denied), 1) == ()
    files = {name: content for name, content in base_store().items() if name != "transaction_1-100.meta"}
    gap = one(find(Case(snapshot_of(files, retired), NOW + 9_000, denylist=denied), 1), "gap-range")
    assert "Nothing in metadata_backup/ fills it." in gap.explanation
    assert gap.next_step.startswith("aptos-db-tool backup oneoff transaction")


def test_one_of_two_manifests_that_compaction_dropped_is_found_in_metadata_backup() -> None:
    files = {name: content for name, content in base_store().items() if name != "transaction_1-100.meta"}
    files["transaction_compacted_1-100.meta"] = lines(txn(1, 100))
    found = one(findings_of(snapshot_of(files, {"a.meta": lines(txn(1, 100, "b"))})), "compacted-name-collision")
    assert found.severity is Severity.ERROR
    assert [entry.manifest for entry in found.entries] == ["transaction_1-.aaaa/transaction.manifest", "b"]
    assert [str(claim) for claim in found.claims] == ["metadata_backup/a.meta line 1"]


def test_a_conflict_that_somebody_put_aside_is_only_information() -> None:
    found = one(findings_of(snapshot_of(base_store(), {"a.meta": lines(txn(1, 100, "b"))})), "compacted-name-collision")
    assert found.severity is Severity.INFO


def test_an_index_whose_compacted_files_are_all_retired_was_moved_away() -> None:
    kept = {"identity.meta": base_store()["identity.meta"]}
    retired = {"transaction_compacted_0-200.meta": lines(txn(0, 0), txn(1, 100), txn(101, 200))}
    found = findings_of(snapshot_of(kept, retired))
    moved = one(found, "adapter-handle-mismatch")
    assert moved.next_step == ("mv -n -- memory/metadata_backup/transaction_compacted_0-200.meta memory/metadata/")


def test_one_name_in_both_folders_with_other_content_is_named_and_equal_content_is_not() -> None:
    same = snapshot_of(base_store(), {"transaction_1-100.meta": base_store()["transaction_1-100.meta"]})
    assert findings_of(same) == ()
    found = one(
        findings_of(snapshot_of(base_store(), {"transaction_1-100.meta": "PRECIOUS\n"}), level=0),
        "backup-dir-overwrite",
    )
    assert found.next_step.startswith("diff memory/metadata/transaction_1-100.meta")


# Foreign and unreadable things


@pytest.mark.parametrize("name", [".lock", "README", "x.meta.swp", ".DS_Store"])
def test_a_foreign_file_is_named_and_can_be_set_aside(name: str) -> None:
    found = one(findings_of(snapshot_of({**base_store(), name: "pid 1\n"})), "foreign-file-in-metadata")
    assert found.severity is Severity.CRITICAL
    assert found.stock_says == "expected value at line 1 column 1"
    assert f"memory/metadata/{name}" in found.next_step


def test_metadata_under_a_foreign_name_is_read_and_only_information() -> None:
    found = one(findings_of(in_base(dup__meta=lines(txn(0, 0)))), "foreign-file-in-metadata")
    assert found.severity is Severity.INFO


def test_hostile_things_in_metadata_are_findings_and_never_a_hang(tmp_path: Path) -> None:
    store = write_store(tmp_path)
    metadata = store / "metadata"
    (metadata / "sub").mkdir()
    os.mkfifo(metadata / "fifo")
    (metadata / "dangling").symlink_to("/nowhere")
    (metadata / "a b.meta").write_bytes(lines(txn(201, 300)))
    (metadata / os.fsdecode(b"bad\xff.meta")).write_bytes(lines(txn(301, 400)))
    settle(store)
    found = check(store, 0)
    assert {
        "list-placeholder": Severity.CRITICAL,
        "symlink-entry": Severity.ERROR,
        "list-name-with-space": Severity.ERROR,
        "non-utf8-name": Severity.CRITICAL,
    }.items() <= {each.kind: each.severity for each in found}.items()
    fifo = next(each for each in found if each.kind == "foreign-file-in-metadata" and "fifo" in each.explanation)
    assert fifo.severity is Severity.CRITICAL
    assert one(found, "non-utf8-name").stock_says == "into_string failed for OsString '\"metadata/bad\\xFF.meta\"'"


def test_the_command_for_a_name_that_is_not_utf8_moves_just_that_file(tmp_path: Path) -> None:
    store = write_store(tmp_path)
    name = os.fsdecode(b"bad\xff\n$(touch pwned).meta")
    (store / "metadata" / name).write_bytes(lines(txn(201, 300)))
    settle(store)
    found = one(check(store), "non-utf8-name")
    assert found.explanation.isprintable() and found.next_step.isprintable()
    subprocess.run(["bash", "-c", found.next_step], check=True, cwd=tmp_path)
    assert (store / "metadata_quarantine" / name).exists()
    assert check(store) == ()
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("fault", "kind", "severity"),
    [
        (ReadFault.FAILED, "download-ignored-then-fatal", Severity.CRITICAL),
        (ReadFault.MISSING, "download-ignored-then-fatal", Severity.CRITICAL),
        (ReadFault.TOO_LARGE, "foreign-file-in-metadata", Severity.ERROR),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding(fault: ReadFault, kind: str, severity: Severity) -> None:
    files = {f"metadata/{name}": content for name, content in {**base_store(), "x.meta": b"1"}.items()}
    reader = MemoryReader(files, faults={"metadata/x.meta": HandleUnreadable(fault, "Permission denied (os error 13)")})
    found = one(findings_of(take_snapshot(reader, FixedHost(NOW))), kind)
    assert found.severity is severity
    assert [claim.file for claim in found.claims] == ["metadata/x.meta"]


def test_evidence_that_cannot_be_read_is_said_so_and_harms_nothing() -> None:
    files = {f"metadata/{name}": content for name, content in base_store().items()} | {"metadata_backup/x.meta": b""}
    reader = MemoryReader(files, faults={"metadata_backup/x.meta": HandleUnreadable(ReadFault.FAILED, "broken")})
    (found,) = findings_of(with_backups(take_snapshot(reader, FixedHost(NOW))))
    assert (found.kind, found.severity, found.stock_says) == ("download-ignored-then-fatal", Severity.INFO, None)


def test_a_cut_gzip_file_is_named(tmp_path: Path) -> None:
    found = findings_of(in_base(x__meta=gzipped(lines(txn(201, 300)))[:-9]))
    assert "gzip-damaged" in kinds(found)


def test_plain_and_gzip_files_side_by_side_are_named() -> None:
    found = one(findings_of(in_base(x__meta=gzipped(lines(txn(201, 300))))), "plain-vs-gzip-store")
    assert found.stock_says == "stream did not contain valid UTF-8"
    assert [claim.file for claim in found.claims] == ["metadata/x.meta"]


def test_a_store_of_gzip_files_only_is_clean() -> None:
    zipped = {name: gzipped(content) for name, content in base_store().items()}
    assert findings_of(snapshot_of(zipped)) == ()


def test_a_listed_link_is_told_even_if_a_storage_lists_it_otherwise() -> None:
    files = {f"metadata/{name}": content for name, content in base_store().items()}
    reader = MemoryReader(files, kinds={"metadata/link": ListedKind.LINK})
    assert one(findings_of(take_snapshot(reader, FixedHost(NOW)), 0), "symlink-entry").stock_says


# Stores that hold nothing


def test_a_folder_with_an_identity_and_no_backups_is_a_mistyped_one() -> None:
    found = findings_of(snapshot_of({"identity.meta": lines(IdentityRecord("ab" * 32))}), 0)
    assert one(found, "typo-store").severity is Severity.CRITICAL
    assert one(found, "typo-store").stock_says == "No transaction backup found."


def test_an_empty_store_has_nothing_to_verify() -> None:
    found = findings_of(snapshot_of({}))
    assert kinds(found) == {"vacuous-verify"}


def test_many_small_files_are_worth_a_word() -> None:
    files = {f"transaction_{first}-{first}.meta": lines(txn(first, first)) for first in range(201, 1_201)}
    found = one(findings_of(snapshot_of({**base_store(), **files}), 0), "metadata-file-count")
    assert found.severity is Severity.INFO
    assert "--transaction-file-compact-factor 100" in found.next_step


def test_equal_cache_hashes_are_grouped() -> None:
    assert same_hashes([5, 7, 5, 2**64 - 1, 2**64 - 1, 9]) == [[0, 2], [3, 4]]
    assert same_hashes([]) == []


# Backup folders


def folders_in(store: Path, *names: str, at: int = WRITTEN_AT) -> None:
    for name in names:
        (store / name).mkdir()
        os.utime(store / name, (at, at))


def test_a_folder_that_no_entry_names_is_waste_and_a_young_one_may_be_running(tmp_path: Path) -> None:
    store = write_store(tmp_path)
    folders_in(
        store, "transaction_1-.aaaa", "transaction_1-.beef", "epoch_ending_1-.aaaa", "state_epoch_1_ver_100.aaaa"
    )
    folders_in(store, "transaction_201-.cafe", at=LOOKED_AT - 60)
    found = [each for each in check(store) if each.kind == "orphan-backup-dir"]
    assert [(each.severity, each.manifests) for each in found] == [
        (Severity.WARNING, ("transaction_1-.beef",)),
        (Severity.INFO, ("transaction_201-.cafe",)),
    ]


def test_a_folder_that_only_a_retired_line_names_is_no_orphan(tmp_path: Path) -> None:
    store = write_store(tmp_path)
    (store / "metadata_backup").mkdir()
    (store / "metadata_backup/t.meta").write_bytes(lines(txn(1, 100, "transaction_1-.beef/transaction.manifest")))
    folders_in(store, "transaction_1-.beef")
    assert "orphan-backup-dir" not in kinds(check(store))


def test_a_folder_younger_than_the_file_that_should_name_it_was_not_recorded(tmp_path: Path) -> None:
    store = write_store(tmp_path)
    folders_in(store, "transaction_1-.beef", at=WRITTEN_AT + 5_000)
    found = one(check(store, 0), "localfs-skip-existing")
    assert found.stock_says == "File transaction_1-100.meta already exists, Skip"
    assert found.manifests == ("transaction_1-.beef/transaction.manifest",)


def test_looking_at_a_store_changes_nothing(tmp_path: Path) -> None:
    store = write_store(tmp_path)
    before = sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*"))
    assert look(store).location == str(store)
    assert check(store) == ()
    assert sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*")) == before


# Handles


HANDLES = {
    "/etc/passwd": "it is an absolute path",
    "../x": 'it has a "." or ".." part',
    "a//b": "it has an empty part",
    "a\\b": "it has a backslash",
    "metadata/..": 'it has a "." or ".." part',
    "x" * 2_000: "longer than",
    "s3://bucket/x": "another storage",
    "a\x1b[31m": "control character",
}


@pytest.mark.parametrize("handle", HANDLES)
def test_a_handle_that_leads_out_of_the_store_is_hostile(handle: str) -> None:
    found = one(findings_of(in_base(x__meta=lines(txn(201, 300, handle)))), "path-traversal-read")
    assert HANDLES[handle] in found.explanation
    assert (found.first, found.last, found.severity) == (201, 300, Severity.ERROR)
    assert found.explanation.isprintable()


def handles_of(*entries: Record) -> tuple[Finding, ...]:
    files = {name: content for name, content in base_store().items() if not name.startswith("transaction")}
    return findings_of(snapshot_of({**files, "t.meta": lines(*entries)}))


def test_a_manifest_of_another_folder_is_suspicious() -> None:
    found = one(
        handles_of(txn(0, 0), txn(1, 100, "transaction_7-.aaaa/transaction.manifest")), "manifest-name-disagree"
    )
    assert "the folder of a backup of transactions from version 7" in found.explanation
    assert found.next_step == "seamline check memory --level 2"


def test_a_manifest_of_another_lane_is_suspicious() -> None:
    found = one(handles_of(txn(0, 0, "state_epoch_0_ver_0.aaaa/state.manifest")), "manifest-name-disagree")
    assert "a backup of state from version 0 of epoch 0" in found.explanation


def test_two_ranges_that_name_one_manifest_share_it() -> None:
    found = one(
        handles_of(txn(0, 0), txn(1, 100), txn(101, 200, "transaction_1-.aaaa/transaction.manifest")), "shared-manifest"
    )
    assert (found.first, found.last) == (101, 200)
    assert {entry.first for entry in found.entries} == {1, 101}


def test_two_backups_of_one_start_in_one_folder_collided() -> None:
    found = one(handles_of(txn(0, 0), txn(1, 50), txn(1, 100)), "suffix-collision")
    assert "one of 65,536" in found.cause


def test_handles_without_any_form_may_be_shared_as_well() -> None:
    assert "shared-manifest" in kinds(handles_of(txn(0, 0, "m"), txn(1, 100, "m")))
    assert "shared-manifest" not in kinds(handles_of(txn(0, 0, "m"), txn(1, 100, "n")))


@pytest.mark.parametrize("number", [3, 1_100])
def test_a_shared_handle_is_found_among_few_and_among_many_handles_of_other_forms(number: int) -> None:
    entries = [txn(first, first, f"m{first}") for first in range(number)]
    shared = [
        *entries,
        txn(number, number, "m1"),
        txn(number + 1, number + 1, "transaction_9999-.aaaa/transaction.manifest"),
    ]
    ordinary = txn(9_999, 9_999)
    found = [each for each in handles_of(*shared, ordinary) if each.kind == "shared-manifest"]
    assert {tuple(entry.first for entry in each.entries) for each in found} == {(1, number), (number + 1, 9_999)}

"""Findings of levels 2 to 4: each hazard of manifests and chunks is named, placed, in stock's words, with a way on."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.demo import SCENARIOS, build_demo_store
from core.findings import Case, find
from core.findings.evidence import MOST_MANIFESTS
from core.host import FixedHost
from core.manifests import collect_evidence
from core.model import EpochEndingRecord, Finding, LaneKind, Severity, StateSnapshotRecord, TransactionRecord
from core.snapshot import take_snapshot
from core.storage import LocalReader
from tests.support.backups import HASH, NOW, BackupStore, framed, records
from tests.support.data import data_path
from tests.support.gzipped import gzipped
from tests.support.steps import is_dead_end

TXN, EPOCH, STATE = LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS

#: The kinds that levels 2 to 4 add.
KINDS = {
    "dangling-manifest",
    "manifest-range-mismatch",
    "snapshot-manifest-mismatch",
    "snapshot-empty-chunks",
    "snapshot-missing-tail",
    "snapshot-chunk-order",
    "manifest-chunk-gap",
    "manifest-last-mismatch",
    "manifest-waypoint-count",
    "manifest-overflow",
    "manifest-bad-json",
    "epoch-cut-panic",
    "manifest-huge",
    "chunk-format-unknown",
    "orphan-backup-dir",
    "suffix-collision",
    "chunk-length-bomb",
    "chunk-truncated",
    "chunk-count-mismatch",
    "chunk-empty-record",
    "proof-swapped",
    "gzip-damaged",
    "decompression-bomb",
    "partial-object-valid-gzip",
    "symlink-entry",
    "path-traversal-read",
}


@pytest.fixture
def store(tmp_path: Path) -> BackupStore:
    return BackupStore(tmp_path / "store")


def check(folder: Path, level: int, now: float = NOW) -> list[Finding]:
    """The findings of the kinds above that manifests and files show, worst first."""
    reader = LocalReader(str(folder))
    snapshot = take_snapshot(reader, FixedHost(now))
    evidence = collect_evidence(reader, snapshot, level)
    return [each for each in find(Case(snapshot, now, evidence=evidence), level) if each.kind in KINDS]


def the_finding(store: BackupStore, level: int) -> Finding:
    (finding,) = check(store.folder, level)
    return finding


Harm = Callable[[BackupStore], object]
MIDDLE = "transaction_1-.aaaa"
STATE_FOLDER = "state_epoch_1_ver_100.aaaa"


def chunks_of(store: BackupStore, handle: str) -> list[dict[str, Any]]:
    chunks: list[dict[str, Any]] = store.manifest(handle)["chunks"]
    return chunks


def swap_proofs(store: BackupStore) -> None:
    one, other = chunks_of(store, store.middle)
    one["proof"], other["proof"] = other["proof"], one["proof"]
    store.edit(store.middle, chunks=[one, other])


def redirect_chunk(store: BackupStore) -> None:
    one, other = chunks_of(store, store.middle)
    store.edit(store.middle, chunks=[one | {"transactions": "/etc/passwd"}, other])


def link_folder(store: BackupStore) -> None:
    folder = store.folder / MIDDLE
    folder.rename(store.folder.parent / "moved")
    folder.symlink_to(store.folder.parent / "moved")


def newer_format(store: BackupStore) -> None:
    one, other = chunks_of(store, store.middle)
    store.edit(store.middle, chunks=[one, other | {"format": "V2"}])


def sparse(store: BackupStore) -> None:
    with (store.folder / store.middle).open("r+b") as file:
        file.truncate(5 << 30)


#: Every hazard: the least level that sees it, the harm, and stock's words (a part of them, None: stock says nothing).
HAZARDS: list[tuple[str, int, Harm, str | None]] = [
    ("dangling-manifest", 2, lambda s: (s.folder / s.middle).unlink(), "No such file or directory (os error 2)"),
    ("dangling-manifest", 3, lambda s: (s.folder / MIDDLE / "1-.chunk").unlink(), "No such file or directory"),
    (
        "manifest-range-mismatch",
        2,
        lambda s: s.edit(s.middle, first_version=51, chunks=chunks_of(s, s.middle)[1:]),
        None,
    ),
    (
        "snapshot-manifest-mismatch",
        2,
        lambda s: s.edit(s.snapshot, version=99),
        None,
    ),
    ("snapshot-empty-chunks", 2, lambda s: s.edit(s.snapshot, chunks=[]), None),
    ("snapshot-missing-tail", 3, lambda s: s.edit(s.snapshot, chunks=chunks_of(s, s.snapshot)[:1]), None),
    ("snapshot-chunk-order", 2, lambda s: s.edit(s.snapshot, chunks=chunks_of(s, s.snapshot)[::-1]), None),
    (
        "manifest-chunk-gap",
        2,
        lambda s: s.edit(s.middle, chunks=chunks_of(s, s.middle)[1:]),
        "Chunk ranges not continuous. Expected first version: 1, actual: 51.",
    ),
    (
        "manifest-last-mismatch",
        2,
        lambda s: s.edit(s.middle, chunks=chunks_of(s, s.middle)[:1]),
        "Last version in chunks: 50, in manifest: 100",
    ),
    (
        "manifest-waypoint-count",
        2,
        lambda s: s.edit(s.epoch_1, waypoints=[]),
        "Malformed manifest. first epoch: 1, last epoch 1, num waypoints 0",
    ),
    (
        "manifest-overflow",
        2,
        lambda s: s.edit(s.middle, chunks=[chunks_of(s, s.middle)[0] | {"last_version": 2**64 - 1, "proof": "p"}]),
        "attempt to add with overflow",
    ),
    ("manifest-bad-json", 2, lambda s: s.put(s.middle, b""), "EOF while parsing a value at line 1 column 0"),
    (
        "epoch-cut-panic",
        2,
        lambda s: s.add_line(EpochEndingRecord(1, 1, 10, 100, s.epoch_1)),
        "Epoch ending backup can't be empty.",
    ),
    ("manifest-huge", 2, sparse, None),
    ("chunk-format-unknown", 2, newer_format, "unknown variant `V2`, expected `V0` or `V1`"),
    ("suffix-collision", 3, lambda s: s.put(f"{MIDDLE}/31-.chunk", records(1)), None),
    ("orphan-backup-dir", 2, lambda s: s.add_transactions(101, 200, suffix="bbbb", line=False), None),
    ("path-traversal-read", 2, redirect_chunk, None),
    ("symlink-entry", 2, link_folder, None),
    ("proof-swapped", 2, swap_proofs, None),
    (
        "chunk-length-bomb",
        4,
        lambda s: s.put(f"{MIDDLE}/1-.chunk", b"\xff\xff\xff\xffabc"),
        "Hit EOF before filling the whole buffer, read 3, expected 4294967295",
    ),
    (
        "chunk-truncated",
        4,
        lambda s: s.put(f"{MIDDLE}/1-.chunk", b"\0\0\0\5abc"),
        "Hit EOF before filling the whole buffer, read 3, expected 5",
    ),
    (
        "chunk-count-mismatch",
        4,
        lambda s: s.put(f"{MIDDLE}/1-.chunk", records(49)),
        "Number of items in chunks doesn't match that in manifest. first_version: 1, last_version: 50, "
        "items in chunk: 49",
    ),
    ("chunk-count-mismatch", 3, lambda s: s.put(f"{MIDDLE}/1-.chunk", b""), "items in chunk: 0"),
    ("chunk-empty-record", 4, lambda s: s.put(f"{MIDDLE}/1-.chunk", framed([b""])), "unexpected end of input"),
    ("gzip-damaged", 2, lambda s: s.put(s.middle, gzipped(b"{}")[:-1]), "gzip: stdin: unexpected end of file"),
    (
        "gzip-damaged",
        4,
        lambda s: s.put(f"{MIDDLE}/1-.chunk", gzipped(records(50)) + b"junk"),
        "trailing garbage",
    ),
    ("decompression-bomb", 4, lambda s: s.put(f"{MIDDLE}/1-50.proof", gzipped(bytes(16 << 20)) * 5), None),
    (
        "partial-object-valid-gzip",
        4,
        lambda s: s.put(f"{MIDDLE}/1-.chunk", gzipped(records(9))),
        "items in chunk: 9",
    ),
    ("partial-object-valid-gzip", 2, lambda s: s.put(s.middle, gzipped(b"{")), "EOF while parsing an object"),
]


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_whole_store_has_no_findings_of_these_kinds(store: BackupStore, level: int) -> None:
    assert check(store.folder, level) == []


@pytest.mark.parametrize(("kind", "level", "harm", "stock_says"), HAZARDS, ids=[f"{h[0]}-{h[1]}" for h in HAZARDS])
def test_each_hazard_is_named_from_its_level_on(
    store: BackupStore, kind: str, level: int, harm: Harm, stock_says: str | None
) -> None:
    harm(store)
    for below in range(1, level):
        assert kind not in {each.kind for each in check(store.folder, below)}
    for reached in range(level, 5):
        found = {each.kind: each for each in check(store.folder, reached)}
        assert kind in found
        assert (stock_says is None) == (found[kind].stock_says is None)
        assert stock_says is None or stock_says in (found[kind].stock_says or "")


def test_every_kind_of_these_levels_has_a_case_here() -> None:
    assert {kind for kind, *_ in HAZARDS} == KINDS


@pytest.mark.parametrize(("kind", "level", "harm", "stock_says"), HAZARDS, ids=[f"{h[0]}-{h[1]}" for h in HAZARDS])
def test_each_finding_says_where_why_and_what_next(
    store: BackupStore, kind: str, level: int, harm: Harm, stock_says: str | None
) -> None:
    harm(store)
    for finding in check(store.folder, max(level, 3)):
        assert finding.explanation.endswith(".") and finding.cause.endswith(".")
        assert finding.manifests and finding.manifests[0].partition("/")[0] in finding.explanation
        assert str(store.folder) in finding.next_step
        assert not is_dead_end(finding)
        subprocess.run(["bash", "-n", "-c", finding.next_step], check=True)
        if finding.kind != "orphan-backup-dir":
            assert finding.entries and finding.entries[0].claims
            assert (finding.first, finding.last) == (finding.entries[0].first, finding.entries[0].last)


def test_a_torn_chunk_is_placed_to_the_byte(store: BackupStore) -> None:
    store.put(f"{MIDDLE}/51-.chunk", framed([b"abc", b"defg"])[:-2])
    finding = the_finding(store, 4)
    assert "chunk 1: the file ends inside record 1 at byte 7: 2 of 4 bytes" in finding.explanation
    assert f"({MIDDLE}/51-.chunk)" in finding.explanation
    assert "--start-version 1 --num_transactions 100" in finding.next_step


def test_a_sound_manifest_of_the_same_range_is_the_way_out(store: BackupStore) -> None:
    shutil.copytree(store.folder / MIDDLE, store.folder / "transaction_1-.bbbb")
    text = (store.folder / store.middle).read_text().replace(".aaaa", ".bbbb")
    store.put("transaction_1-.bbbb/transaction.manifest", text.encode())
    store.add_line(TransactionRecord(1, 100, "transaction_1-.bbbb/transaction.manifest"), "again.meta")
    store.put(f"{MIDDLE}/1-.chunk", records(49))
    finding = the_finding(store, 4)
    assert "shows no fault: transaction_1-.bbbb/transaction.manifest" in finding.explanation
    assert finding.next_step == f"seamline repair {store.folder} --veto {store.middle} --dry-run"


def test_the_old_line_makes_way_for_the_new_backup(store: BackupStore) -> None:
    """Stock skips the new line in silence while a file of its name is there; a compacted line stays beside it."""
    (store.folder / store.middle).unlink()
    moved = f"{store.folder}/metadata/transaction_1-100.meta {store.folder}/metadata_quarantine/"
    alone = the_finding(store, 2).next_step
    assert alone.startswith("mkdir -p ") and moved in alone and alone.endswith(f"--local-fs-dir {store.folder}")
    lines = [(store.folder / f"metadata/transaction_{name}.meta").read_bytes() for name in ("0-0", "1-100", "101-200")]
    store.put("metadata/transaction_compacted_0-200.meta", b"".join(lines))
    both = the_finding(store, 2).next_step
    assert moved in both and "compacted" not in both
    assert both.endswith(f"&& seamline repair {store.folder} --veto {store.middle} --dry-run")


def test_a_snapshot_that_is_damaged_is_taken_again(store: BackupStore) -> None:
    (store.folder / STATE_FOLDER / "0-.chunk").unlink()
    finding = the_finding(store, 3)
    assert finding.lane is STATE
    assert "state-snapshot --state-snapshot-epoch 1" in finding.next_step


def test_many_faults_of_one_manifest_are_one_finding_with_a_count(store: BackupStore) -> None:
    for path in (store.folder / MIDDLE).glob("*.*"):
        if path.name != "transaction.manifest":
            path.unlink()
    finding = the_finding(store, 3)
    assert "3 more" in finding.explanation
    assert finding.kind == "dangling-manifest"


def test_a_copy_of_the_metadata_alone_is_one_finding_a_lane(store: BackupStore) -> None:
    for number in range(300):
        store.add_line(
            TransactionRecord(201 + number, 201 + number, f"transaction_{201 + number}-.cafe/transaction.manifest")
        )
    for folder in store.folder.iterdir():
        if folder.name != "metadata":
            shutil.rmtree(folder)
    findings = check(store.folder, 4)
    assert {each.lane: each.kind for each in findings} == dict.fromkeys((TXN, EPOCH, STATE), "dangling-manifest")
    assert len(findings) == 3
    (transactions,) = [each for each in findings if each.lane is TXN]
    assert "None of the 303 manifests" in transactions.explanation
    assert (transactions.first, transactions.last) == (0, 500)


def test_many_missing_manifests_beside_good_ones_are_told_one_by_one_up_to_a_bound(store: BackupStore) -> None:
    for number in range(300):
        store.add_line(
            TransactionRecord(201 + number, 201 + number, f"transaction_{201 + number}-.cafe/transaction.manifest")
        )
    findings = check(store.folder, 2)
    assert len(findings) == MOST_MANIFESTS + 1
    assert any(f"{300 - MOST_MANIFESTS} more manifests" in each.explanation for each in findings)


def test_hostile_names_and_words_are_harmless_in_what_is_shown(store: BackupStore) -> None:
    folder = "transaction_1-.\x7f[red]\u202e"
    manifest = store.manifest(store.middle)
    manifest["chunks"][0]["transactions"] = f"{MIDDLE}/\u202e[/x]\x9b2J"
    store.put_json(store.middle, manifest)
    store.add_line(TransactionRecord(201, 300, f"{folder}/m"))
    for finding in check(store.folder, 3):
        for text in (finding.explanation, finding.cause, finding.next_step):
            assert not any(char in text for char in "\x7f\x9b\u202e")


# Folders that nobody points to


def orphan(store: BackupStore, level: int, now: float = NOW) -> Finding:
    (finding,) = [each for each in check(store.folder, level, now) if each.kind == "orphan-backup-dir"]
    return finding


def test_a_whole_folder_that_fills_a_gap_comes_with_the_line_to_write(store: BackupStore) -> None:
    (store.folder / "metadata/transaction_1-100.meta").unlink()
    shallow, deep = orphan(store, 2), orphan(store, 3)
    assert "would fill the gap of versions 1 to 100" in shallow.explanation
    assert shallow.next_step == f"seamline check {store.folder} --level 3"
    assert "it is whole" in deep.explanation and (deep.first, deep.last) == (1, 100)
    subprocess.run(["bash", "-c", deep.next_step], check=True)
    assert check(store.folder, 4) == []
    line = json.loads((store.folder / "metadata/transaction_1-100.meta").read_text())
    assert line == {"TransactionBackup": {"first_version": 1, "last_version": 100, "manifest": store.middle}}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("epoch_ending_1-1.meta", "beyond the newest entry"),
        ("state_snapshot_ver_100.meta", "no entry names a snapshot of version 100"),
        ("transaction_101-200.meta", "beyond the newest entry"),
    ],
)
def test_what_a_whole_folder_would_give_is_said_for_every_lane(store: BackupStore, name: str, says: str) -> None:
    before = (store.folder / "metadata" / name).read_bytes()
    (store.folder / "metadata" / name).unlink()
    finding = orphan(store, 4)
    assert says in finding.explanation
    subprocess.run(["bash", "-c", finding.next_step], check=True)
    assert (store.folder / "metadata" / name).read_bytes() == before


def test_a_name_that_is_taken_is_never_written_over(store: BackupStore) -> None:
    store.put("metadata/transaction_101-200.meta", b"")
    finding = orphan(store, 3)
    assert "metadata/transaction_101-200.registered_1.meta" in finding.next_step


def test_a_second_backup_of_covered_versions_is_of_no_use(store: BackupStore) -> None:
    store.add_transactions(101, 200, suffix="bbbb", line=False)
    finding = orphan(store, 4)
    assert "entries cover the same already" in finding.explanation
    assert finding.severity is Severity.WARNING
    assert "/transaction_101-.bbbb " in finding.next_step and finding.next_step.startswith("mkdir ")
    assert finding.then.startswith("No restore reads the folder")


def test_a_damaged_folder_is_not_offered(store: BackupStore) -> None:
    store.add_transactions(201, 300, suffix="bbbb", line=False)
    store.put("transaction_201-.bbbb/201-.chunk", records(3))
    assert "does not hold up, as chunk 0 holds 3 records" in orphan(store, 4).explanation


def test_a_young_folder_without_a_manifest_may_be_a_backup_under_way(store: BackupStore) -> None:
    store.put("transaction_201-.bbbb/201-.chunk", records(3))
    changed = (store.folder / "transaction_201-.bbbb/201-.chunk").stat().st_mtime
    for level in (2, 4):
        young, old = orphan(store, level, changed + 3_600), orphan(store, level, changed + 30 * 86_400)
        assert (young.severity, old.severity) == (Severity.INFO, Severity.WARNING)
        assert "may" in young.explanation and "may" not in old.explanation


def test_hundreds_of_unused_folders_are_bounded(store: BackupStore) -> None:
    for number in range(300):
        (store.folder / f"transaction_{number}-.dead").mkdir()
    found = [each for each in check(store.folder, 2) if each.kind == "orphan-backup-dir"]
    assert len(found) == 51
    assert any("250 more backup folders" in each.explanation for each in found)


# The example stores

#: Where the bare file of a hazard store belongs in a whole store, and the level that sees it there. The stores hold
#: such a file at their top, where no entry names it.
PLACES: dict[str, tuple[str, LaneKind, int]] = {
    "chunk-empty-record": ("1-.chunk", TXN, 4),
    "chunk-length-bomb": ("1-.chunk", TXN, 4),
    "chunk-truncated": ("1-.chunk", TXN, 4),
    "manifest-bad-json": ("man.json", TXN, 2),
    "manifest-chunk-gap": ("man.json", TXN, 2),
    "manifest-last-mismatch": ("man.json", TXN, 2),
    "manifest-overflow": ("man.json", TXN, 2),
    "manifest-waypoint-count": ("man.json", EPOCH, 2),
    "snapshot-empty-chunks": ("man.json", STATE, 2),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_file_of_a_hazard_store_shows_its_hazard_where_it_belongs(store: BackupStore, name: str) -> None:
    file, lane, level = PLACES[name]
    handle = {TXN: store.middle, EPOCH: store.epoch_1, STATE: store.snapshot}[lane]
    if file == "1-.chunk":
        handle = f"{MIDDLE}/1-.chunk"
    store.put(handle, data_path("hazard-stores", name, file).read_bytes())
    found = [each for each in check(store.folder, level) if each.lane is lane]
    assert name in {each.kind for each in found}


def test_v1_chunks_are_fine_and_only_a_newer_format_is_a_finding(store: BackupStore) -> None:
    """The store `chunk-format-unknown` holds V1, which tools from before 2025 can't read: no fault of the store."""
    manifest = json.loads(data_path("hazard-stores", "chunk-format-unknown", "man.json").read_bytes())
    store.put_json("m.json", manifest)
    store.put("t", records(10))
    store.put("p", b"proof")
    store.add_line(TransactionRecord(0, 9, "m.json"), "v1.meta")
    assert check(store.folder, 4) == []
    manifest["chunks"][0]["format"] = "V2"
    store.put_json("m.json", manifest)
    assert the_finding(store, 2).kind == "chunk-format-unknown"


#: Hazard stores that hold whole backup folders: what else is missing in them is found as well.
WHOLE = ["manifest-range-mismatch", "epoch-cut-panic"]


@pytest.mark.parametrize("name", WHOLE)
def test_a_hazard_store_with_its_manifest_shows_its_hazard(name: str, tmp_path: Path) -> None:
    shutil.copytree(data_path("hazard-stores", name), tmp_path / name)
    assert name in {each.kind for each in check(tmp_path / name, 2)}


def test_the_unused_folder_of_a_hazard_store_is_found(tmp_path: Path) -> None:
    shutil.copytree(data_path("hazard-stores", "localfs-skip-existing"), tmp_path / "store")
    for level in (2, 3):
        assert "orphan-backup-dir" in {each.kind for each in check(tmp_path / "store", level)}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_demo_stores_hold_no_fault_but_the_lost_chunk(name: str, tmp_path: Path) -> None:
    build_demo_store(name, tmp_path / "store")
    found = check(tmp_path / "store", 4, now=2e9)
    if name in ("snapshot-tie", "everything"):
        (finding,) = found
        assert finding.kind == "dangling-manifest" and finding.lane is STATE
        assert "100-.chunk" in finding.explanation
    else:
        assert found == []


def test_a_line_that_shows_a_whole_manifest_wrongly_names_the_line(store: BackupStore) -> None:
    store.add_line(StateSnapshotRecord(1, 99, store.snapshot), "wrong.meta")
    finding = the_finding(store, 2)
    assert finding.kind == "snapshot-manifest-mismatch"
    assert [str(claim) for claim in finding.claims] == ["metadata/wrong.meta line 1"]
    aside = f"{store.folder}/metadata_quarantine"
    assert finding.next_step == f"mkdir -p -- {aside} && mv -n -- {store.folder}/metadata/wrong.meta {aside}/"


def test_a_line_with_another_range_than_its_manifest_is_written_anew(store: BackupStore) -> None:
    """What is printed is done as it stands: afterwards the line is that of the manifest."""
    store.edit(store.middle, first_version=51, chunks=chunks_of(store, store.middle)[1:])
    subprocess.run(["bash", "-c", the_finding(store, 2).next_step], check=True, cwd=store.folder)
    after = take_snapshot(LocalReader(str(store.folder)), FixedHost(NOW)).index.transactions
    assert [(int(first), int(last)) for first, last in zip(after.first, after.last, strict=True)] == [
        (0, 0),
        (51, 100),
        (101, 200),
    ]
    assert check(store.folder, 2) == []


def test_a_wrong_waypoint_is_named(store: BackupStore) -> None:
    store.edit(store.epoch_1, waypoints=[f"90:{HASH}"])
    assert the_finding(store, 2).kind == "manifest-waypoint-count"

"""Levels 2 to 4 over real stores on disk: planned, watched, stopped, bounded, and right about what is there."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import StoreUnreachable
from core.host import FixedHost
from core.manifests import (
    Evidence,
    EvidenceProgress,
    ManifestProblem,
    ManifestRefused,
    ManifestStatus,
    StateManifest,
    TransactionManifest,
    broken_manifests,
    collect_evidence,
    plan_evidence,
    read_manifest,
)
from core.model import LaneKind, TransactionRecord
from core.snapshot import take_snapshot
from core.storage import HandleUnreadable, Listed, LocalReader
from tests.support.backups import NOW, BackupStore, framed, records
from tests.support.gzipped import gzipped
from tests.support.watching import Watcher

MIB = 1 << 20
TXN, EPOCH, STATE = LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS


@pytest.fixture
def store(tmp_path: Path) -> BackupStore:
    return BackupStore(tmp_path / "store")


def all_problems(evidence: Evidence) -> list[ManifestProblem]:
    return [problem for facts in evidence.manifests.values() for problem in facts.problems]


def hazards(evidence: Evidence) -> set[str]:
    return {problem.hazard for problem in all_problems(evidence)}


def the_problem(evidence: Evidence) -> ManifestProblem:
    (problem,) = all_problems(evidence)
    return problem


# What is there


@pytest.mark.parametrize("level", [2, 3, 4])
def test_a_whole_store_shows_no_problem(store: BackupStore, level: int) -> None:
    evidence = store.evidence(level)
    assert (len(evidence.manifests), all_problems(evidence), evidence.orphans) == (7, [], ())
    assert evidence.complete
    assert broken_manifests(evidence) == frozenset()


def test_facts_say_what_a_manifest_is(store: BackupStore) -> None:
    facts = store.evidence(3).manifest(TXN, store.middle)
    assert facts is not None
    assert (facts.status, facts.range, facts.chunk_count) == (ManifestStatus.READ, (1, 100), 2)
    assert facts.chunk_bytes == 2 * len(records(50))
    assert facts.size == (store.folder / store.middle).stat().st_size
    snapshot = store.evidence(2).manifest(STATE, store.snapshot)
    assert snapshot is not None
    assert (snapshot.range, snapshot.epoch, snapshot.root_hash, snapshot.chunk_bytes) == (
        (100, 100),
        1,
        "ab" * 32,
        None,
    )
    epoch = store.evidence(2).manifest(EPOCH, store.epoch_1)
    assert epoch is not None and epoch.first_waypoint == epoch.last_waypoint == f"100:{'ab' * 32}"


def test_below_level_2_nothing_is_looked_at(store: BackupStore) -> None:
    evidence = store.evidence(1)
    assert (len(evidence.manifests), evidence.bytes_read, evidence.complete) == (0, 0, True)
    assert plan_evidence(store.reader(), store.look(), 1).files == 0


def test_gzip_manifests_chunks_and_proofs_are_read_through(store: BackupStore) -> None:
    for path in store.folder.glob("*_*/*"):
        path.write_bytes(gzipped(path.read_bytes()))
    evidence = store.evidence(4)
    assert all_problems(evidence) == []
    assert all(facts.gzip for facts in evidence.manifests.values())


def test_chosen_manifests_only(store: BackupStore) -> None:
    evidence = collect_evidence(store.reader(), store.look(), 4, manifests=[store.middle, "no-such-handle"])
    assert list(evidence.manifests) == [(TXN, store.middle)]


# Level 2


def test_a_missing_manifest_is_dangling(store: BackupStore) -> None:
    (store.folder / store.middle).unlink()
    evidence = store.evidence(2)
    problem = the_problem(evidence)
    assert (problem.hazard, problem.file) == ("dangling-manifest", store.middle)
    assert problem.stock_says == "No such file or directory (os error 2)"
    assert broken_manifests(evidence) == {store.middle}
    assert evidence.manifests[TXN, store.middle].status is ManifestStatus.MISSING


def replaced_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replaced_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replaced_by_link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def replaced_by_outward_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


STAND_INS = [
    (replaced_by_folder, "dangling-manifest", "Is a directory (os error 21)"),
    (replaced_by_fifo, "dangling-manifest", None),
    (replaced_by_link, "symlink-entry", None),
    (replaced_by_outward_link, "symlink-entry", None),
]


@pytest.mark.parametrize(("replace", "hazard", "stock_says"), STAND_INS)
@pytest.mark.parametrize("level", [2, 4])
def test_only_plain_files_are_opened_as_manifests(
    store: BackupStore, replace: Callable[[Path], None], hazard: str, stock_says: str | None, level: int
) -> None:
    replace(store.folder / store.middle)
    problem = the_problem(store.evidence(level))
    assert (problem.hazard, problem.stock_says, problem.file) == (hazard, stock_says, store.middle)


@pytest.mark.parametrize(("replace", "hazard", "stock_says"), STAND_INS)
def test_only_plain_files_are_opened_as_chunks_and_proofs(
    store: BackupStore, replace: Callable[[Path], None], hazard: str, stock_says: str | None
) -> None:
    for name in ("1-.chunk", "51-100.proof"):
        replace(store.folder / f"transaction_1-.aaaa/{name}")
    for level in (3, 4):
        found = all_problems(store.evidence(level))
        assert [(each.hazard, each.stock_says) for each in found] == [(hazard, stock_says)] * 2


def test_a_folder_that_is_a_link_is_not_walked_into_and_not_called_broken(store: BackupStore, tmp_path: Path) -> None:
    folder = store.folder / "transaction_1-.aaaa"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    evidence = store.evidence(4)
    assert hazards(evidence) == {"symlink-entry"}
    assert broken_manifests(evidence) == frozenset()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_manifest_without_permission_says_so(store: BackupStore) -> None:
    (store.folder / store.middle).chmod(0)
    assert the_problem(store.evidence(2)).stock_says == "Permission denied (os error 13)"


@pytest.mark.parametrize(
    "handle", ["/etc/passwd", "../../x", "transaction_1-.aaaa//transaction.manifest", "a\\b", "m\0"]
)
def test_a_hostile_manifest_handle_is_never_opened(store: BackupStore, handle: str) -> None:
    store.add_line(TransactionRecord(201, 300, handle), "x.meta")
    problem = the_problem(store.evidence(4))
    assert (problem.hazard, problem.file) == ("path-traversal-read", handle)
    assert store.evidence(2).manifests[TXN, handle].status is ManifestStatus.REFUSED


def test_a_sparse_manifest_of_5_gb_is_not_read(store: BackupStore) -> None:
    os.truncate(store.folder / store.middle, 5 << 30)
    tracemalloc.start()
    problem = the_problem(store.evidence(4))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problem.hazard == "manifest-huge"
    assert "5,368,709,120 bytes" in problem.message
    assert peak < 4 * MIB


def test_a_manifest_that_inflates_without_bound_is_cut_off(store: BackupStore) -> None:
    store.put(store.middle, gzipped(b" " * (16 * MIB)) * 64)
    tracemalloc.start()
    problem = the_problem(store.evidence(2))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problem.hazard == "decompression-bomb"
    assert peak < 100 * MIB


@pytest.mark.parametrize(
    ("content", "hazard", "stock_says"),
    [
        (b"", "manifest-bad-json", "EOF while parsing a value at line 1 column 0"),
        (b"<html>", "manifest-bad-json", "expected value at line 1 column 1"),
        (
            gzipped(b'{"first_version":0'),
            "partial-object-valid-gzip",
            "EOF while parsing an object at line 1 column 18",
        ),
        (gzipped(b""), "partial-object-valid-gzip", "EOF while parsing a value at line 1 column 0"),
        (gzipped(b"[1,100,[]]")[:-3], "gzip-damaged", "gzip: stdin: unexpected end of file"),
        (b"\x1f\x8bjunk", "gzip-damaged", "gzip: stdin: invalid compressed data--format violated"),
    ],
)
def test_content_that_is_no_manifest(store: BackupStore, content: bytes, hazard: str, stock_says: str) -> None:
    store.put(store.middle, content)
    problem = the_problem(store.evidence(4))
    assert (problem.hazard, problem.stock_says) == (hazard, stock_says)


def test_two_lines_that_share_a_manifest_are_each_compared_with_it(store: BackupStore) -> None:
    wrong = TransactionRecord(201, 300, store.newest)
    store.add_line(wrong)
    problem = the_problem(store.evidence(2))
    assert (problem.hazard, problem.entry) == ("manifest-range-mismatch", wrong)


def test_a_manifest_named_by_a_line_of_another_lane_is_read_as_that_lane_reads_it(store: BackupStore) -> None:
    store.add_line(TransactionRecord(201, 300, store.epoch_1))
    evidence = store.evidence(2)
    assert evidence.manifests[EPOCH, store.epoch_1].problems == ()
    assert [each.stock_says for each in evidence.manifests[TXN, store.epoch_1].problems] == [
        "missing field `first_version` at line 1 column 206"
    ]


# Level 3


def test_a_missing_chunk_or_proof_is_dangling_from_level_3_on(store: BackupStore) -> None:
    (store.folder / "transaction_1-.aaaa/51-.chunk").unlink()
    (store.folder / "state_epoch_1_ver_100.aaaa/state.proof").unlink()
    assert all_problems(store.evidence(2)) == []
    chunk, proof = sorted(all_problems(store.evidence(3)), key=lambda each: each.file, reverse=True)
    assert (chunk.hazard, chunk.chunk, chunk.message) == (
        "dangling-manifest",
        1,
        "chunk 1 (51 to 100) is not in the store",
    )
    assert (proof.hazard, proof.chunk, proof.message) == (
        "dangling-manifest",
        None,
        "the proof of the snapshot is not in the store",
    )


def test_empty_chunks_and_proofs_are_noticed_at_level_3(store: BackupStore) -> None:
    store.put("transaction_1-.aaaa/1-.chunk", b"")
    store.put("transaction_1-.aaaa/1-50.proof", b"")
    found = {each.hazard: each.stock_says for each in all_problems(store.evidence(3))}
    assert found == {
        "chunk-count-mismatch": "Number of items in chunks doesn't match that in manifest. "
        "first_version: 1, last_version: 50, items in chunk: 0",
        "chunk-truncated": "unexpected end of input",
    }
    assert hazards(store.evidence(4)) == set(found)


class UnlistableReader(LocalReader):
    """A store whose backup folders can be entered but not listed, which permissions do to everybody but root."""

    def list_folder(self, folder: str) -> list[Listed]:
        if folder.startswith("transaction_"):
            raise StoreUnreachable("Permission denied")
        return super().list_folder(folder)


def test_files_of_a_folder_that_cant_be_listed_are_looked_up_one_by_one(store: BackupStore) -> None:
    (store.folder / "transaction_1-.aaaa/51-.chunk").unlink()
    reader = UnlistableReader(str(store.folder))
    evidence = collect_evidence(reader, store.look(), 4)
    assert the_problem(evidence).file == "transaction_1-.aaaa/51-.chunk"
    assert plan_evidence(reader, store.look(), 3).manifests == 7


def test_a_chunk_may_lie_in_another_folder(store: BackupStore) -> None:
    (store.folder / "transaction_1-.aaaa/1-.chunk").rename(store.folder / "transaction_101-.aaaa/1-.chunk")
    manifest = store.manifest(store.middle)
    manifest["chunks"][0]["transactions"] = "transaction_101-.aaaa/1-.chunk"
    store.put_json(store.middle, manifest)
    found = {(each.hazard, each.file) for each in all_problems(store.evidence(4))}
    assert found == {("suffix-collision", "transaction_101-.aaaa/1-.chunk")}


def test_files_of_another_cut_in_a_folder_are_noticed_but_break_nothing(store: BackupStore) -> None:
    store.put("transaction_1-.aaaa/31-.chunk", records(70))
    store.put("transaction_1-.aaaa/31-100.proof", b"proof")
    store.put("transaction_1-.aaaa/note.txt", b"not ours to judge")
    evidence = store.evidence(3)
    problem = the_problem(evidence)
    assert (problem.hazard, problem.file) == ("suffix-collision", "transaction_1-.aaaa/31-.chunk")
    assert "2 files" in problem.message
    assert broken_manifests(evidence) == frozenset()


def test_snapshot_chunks_behind_the_end_of_the_manifest_are_a_missing_tail(store: BackupStore) -> None:
    store.edit(store.snapshot, chunks=store.manifest(store.snapshot)["chunks"][:1])
    evidence = store.evidence(3)
    problem = the_problem(evidence)
    assert (problem.hazard, problem.file) == ("snapshot-missing-tail", "state_epoch_1_ver_100.aaaa/5-.chunk")
    assert broken_manifests(evidence) == {store.snapshot}


def test_a_manifest_with_thousands_of_problems_keeps_a_few_and_counts_the_rest(store: BackupStore) -> None:
    folder = "transaction_1-.aaaa"
    chunks = [
        {"first_version": v, "last_version": v, "transactions": f"{folder}/x{v}", "proof": f"{folder}/y{v}"}
        for v in range(1, 3_001)
    ]
    store.put_json(store.middle, {"first_version": 1, "last_version": 3_000, "chunks": chunks})
    facts = store.evidence(3).manifests[TXN, store.middle]
    assert facts.counts["dangling-manifest"] == 6_000
    assert len(facts.problems) < 20
    assert {"manifest-range-mismatch", "dangling-manifest"} <= {each.hazard for each in facts.problems}


# Level 4


@pytest.mark.parametrize(
    ("handle", "content", "hazard", "stock_says"),
    [
        (
            "transaction_1-.aaaa/1-.chunk",
            records(49),
            "chunk-count-mismatch",
            "Number of items in chunks doesn't match that in manifest. first_version: 1, last_version: 50, "
            "items in chunk: 49",
        ),
        (
            "epoch_ending_1-.aaaa/1-.chunk",
            records(2),
            "chunk-count-mismatch",
            "Number of items in chunks doesn't match that in manifest. first_epoch: 1, last_epoch: 1, "
            "items in chunk: 2",
        ),
        ("state_epoch_1_ver_100.aaaa/5-.chunk", records(2), "chunk-count-mismatch", None),
        ("transaction_1-.aaaa/1-.chunk", gzipped(records(49)), "partial-object-valid-gzip", "49"),
        (
            "transaction_1-.aaaa/1-.chunk",
            gzipped(records(50)[:-1]),
            "partial-object-valid-gzip",
            "Hit EOF before filling the whole buffer, read 8, expected 9",
        ),
        ("transaction_1-.aaaa/1-.chunk", gzipped(records(51)), "chunk-count-mismatch", "items in chunk: 51"),
        ("transaction_1-.aaaa/1-.chunk", records(50)[:-1], "chunk-truncated", "Hit EOF"),
        ("transaction_1-.aaaa/1-.chunk", b"\xff\xff\xff\xff", "chunk-length-bomb", "Hit EOF when reading record."),
        ("transaction_1-.aaaa/1-.chunk", framed([b"a", b""]), "chunk-empty-record", "unexpected end of input"),
        ("transaction_1-.aaaa/1-.chunk", gzipped(records(50))[:-1], "gzip-damaged", "gzip: stdin: unexpected"),
        ("transaction_1-.aaaa/1-50.proof", gzipped(b"proof")[:-1], "gzip-damaged", "gzip: stdin: unexpected"),
        ("transaction_1-.aaaa/1-50.proof", gzipped(b""), "chunk-truncated", "unexpected end of input"),
        (
            "transaction_1-.aaaa/1-50.proof",
            gzipped(bytes(16 * MIB)) * 8,
            "decompression-bomb",
            None,
        ),
    ],
)
def test_what_is_wrong_inside_a_file_shows_at_level_4(
    store: BackupStore, handle: str, content: bytes, hazard: str, stock_says: str | None
) -> None:
    store.put(handle, content)
    assert all_problems(store.evidence(3)) == []
    problem = the_problem(store.evidence(4))
    assert (problem.hazard, problem.file) == (hazard, handle)
    assert problem.stock_says == stock_says or (stock_says and stock_says in (problem.stock_says or ""))


def test_a_torn_chunk_is_named_with_record_and_byte(store: BackupStore) -> None:
    store.put("transaction_1-.aaaa/51-.chunk", framed([b"abc", b"defg"])[:-2])
    problem = the_problem(store.evidence(4))
    assert (problem.chunk, problem.record, problem.offset) == (1, 1, 7)
    assert problem.message == "chunk 1: the file ends inside record 1 at byte 7: 2 of 4 bytes"


def test_a_hostile_store_of_large_files_takes_no_memory(store: BackupStore) -> None:
    for name in ("1-.chunk", "51-.chunk", "1-50.proof"):
        os.truncate(store.folder / f"transaction_1-.aaaa/{name}", 5 << 30)
    store.put("transaction_101-.aaaa/101-.chunk", gzipped(bytes(16 * MIB)) * 640)
    tracemalloc.start()
    evidence = store.evidence(4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert hazards(evidence) == {"chunk-empty-record"}
    assert peak < 8 * MIB


# Folders without a line


def test_a_whole_folder_without_a_line_is_looked_at_as_deeply(store: BackupStore) -> None:
    store.add_transactions(201, 300, suffix="bbbb", line=False)
    store.put("transaction_201-.bbbb/201-.chunk", records(3))
    shallow, deep = store.evidence(2).orphans, store.evidence(4).orphans
    assert [(each.folder, each.files) for each in shallow] == [("transaction_201-.bbbb", 5)]
    assert shallow[0].manifest is not None and shallow[0].manifest.range == (201, 300)
    assert shallow[0].manifest.problems == ()
    assert deep[0].manifest is not None and [each.hazard for each in deep[0].manifest.problems] == [
        "chunk-count-mismatch"
    ]


def test_a_folder_without_line_or_manifest_is_an_unfinished_backup(store: BackupStore) -> None:
    store.put("state_epoch_2_ver_150.cafe/0-.chunk", records(1))
    os.utime(store.folder / "state_epoch_2_ver_150.cafe/0-.chunk", (NOW, NOW - 7))
    (orphan,) = store.evidence(2).orphans
    assert (orphan.lane, orphan.manifest, orphan.files, orphan.newest) == (STATE, None, 1, NOW - 7)


def test_folders_that_retired_lines_name_and_foreign_folders_are_no_orphans(store: BackupStore) -> None:
    store.add_transactions(201, 300)
    (store.folder / "metadata_backup").mkdir()
    (store.folder / "metadata/transaction_201-300.meta").rename(
        store.folder / "metadata_backup/transaction_201-300.meta"
    )
    (store.folder / "lost+found").mkdir()
    (store.folder / "transaction_7-.beef").symlink_to("/etc")
    assert store.evidence(3).orphans == ()


# Planned, watched, stopped


@pytest.mark.parametrize("level", [2, 3, 4])
def test_what_was_planned_is_what_is_read(store: BackupStore, level: int) -> None:
    store.add_transactions(201, 300, suffix="bbbb", line=False)
    plan = plan_evidence(store.reader(), store.look(), level)
    evidence = store.evidence(level)
    every = [*store.folder.glob("*_*-.*/*"), *store.folder.glob("state_*/*")]
    manifests = [path for path in every if path.suffix == ".manifest"]
    read = every if level == 4 else manifests
    assert plan.manifests == len(manifests) == 8
    assert plan.files == (8 if level == 2 else len(every))
    assert plan.bytes == evidence.bytes_read == sum(path.stat().st_size for path in read)


def test_a_store_of_metadata_alone_plans_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    BackupStore(folder)
    for path in folder.glob("*_*"):
        if path.name != "metadata":
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
    reader = LocalReader(str(folder))
    snapshot = take_snapshot(reader, FixedHost(NOW))
    assert plan_evidence(reader, snapshot, 4).files == 0
    evidence = collect_evidence(reader, snapshot, 4)
    assert {facts.status for facts in evidence.manifests.values()} == {ManifestStatus.MISSING}


def test_progress_rises_to_the_end(store: BackupStore) -> None:
    watcher = Watcher[EvidenceProgress]()
    evidence = collect_evidence(store.reader(), store.look(), 4, watcher)
    assert [each.done for each in watcher.told] == sorted(each.done for each in watcher.told)
    assert watcher.told[-1] == EvidenceProgress(7, 7, evidence.bytes_read)


def test_a_stop_leaves_whole_facts_marked_incomplete(store: BackupStore) -> None:
    whole = store.evidence(4)
    told = Watcher[EvidenceProgress]()
    collect_evidence(store.reader(), store.look(), 4, told)
    for after in range(len(told.told)):
        evidence = collect_evidence(store.reader(), store.look(), 4, Watcher[EvidenceProgress](after))
        assert not evidence.complete
        assert all(whole.manifests[key] == facts for key, facts in evidence.manifests.items())


def test_a_stopped_plan_says_that_it_is_not_all(store: BackupStore) -> None:
    plan = plan_evidence(store.reader(), store.look(), 4, Watcher[EvidenceProgress](3))
    assert not plan.complete
    assert plan.manifests == 3


# For the app


async def test_one_manifest_for_the_app(store: BackupStore) -> None:
    manifest = await read_manifest(store.reader(), store.middle, TXN)
    assert isinstance(manifest, TransactionManifest) and manifest.last_version == 100
    store.put(store.snapshot, gzipped(json.dumps(store.manifest(store.snapshot)).encode()))
    assert isinstance(await read_manifest(store.reader(), store.snapshot, STATE), StateManifest)


async def test_why_one_manifest_cant_be_had(store: BackupStore) -> None:
    with pytest.raises(HandleUnreadable):
        await read_manifest(store.reader(), "transaction_1-.aaaa/no", TXN)
    store.put(store.middle, b"{}")
    with pytest.raises(ManifestRefused, match="missing field"):
        await read_manifest(store.reader(), store.middle, TXN)
    store.put(store.middle, gzipped(b"{}")[:-1])
    with pytest.raises(ManifestRefused, match="unexpected end of file"):
        await read_manifest(store.reader(), store.middle, TXN)

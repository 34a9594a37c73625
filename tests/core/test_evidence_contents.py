"""Level 5: conflicting manifests are compared, what came of it stands beside the conflict, and nothing is silent."""

from __future__ import annotations

from pathlib import Path

import pytest

import core.manifests.conflicts
from core.demo import build_demo_store
from core.engine import MAX_LEVEL, Engine
from core.findings import Case, find
from core.host import FixedHost
from core.manifests import (
    ContentComparison,
    Doubt,
    Evidence,
    EvidenceProgress,
    Verdict,
    collect_evidence,
    conflicting,
    plan_evidence,
)
from core.model import Finding, LaneKind, TransactionRecord
from core.snapshot import take_snapshot
from core.storage import LocalReader
from tests.support.backups import NOW, BackupStore, framed, records
from tests.support.watching import Watcher

TXN, STATE = LaneKind.TRANSACTIONS, LaneKind.STATE_SNAPSHOTS
AGAIN = "transaction_1-.bbbb/transaction.manifest"


@pytest.fixture
def store(tmp_path: Path) -> BackupStore:
    """Versions 1 to 100 twice."""
    store = BackupStore(tmp_path / "store")
    store.add_transactions(1, 100, suffix="bbbb", line=False)
    store.add_line(TransactionRecord(1, 100, AGAIN), "again.meta")
    return store


def the_comparison(evidence: Evidence) -> ContentComparison:
    (comparison,) = evidence.comparisons.values()
    return comparison


def explanations(store: BackupStore, evidence: Evidence) -> dict[str, str]:
    found: tuple[Finding, ...] = find(Case(store.look(), NOW, evidence=evidence), evidence.level)
    return {each.kind: each.explanation for each in found}


def test_level_4_compares_nothing(store: BackupStore) -> None:
    assert not store.evidence(4).comparisons


def test_two_manifests_of_one_content_are_equal_and_either_may_be_chosen(store: BackupStore) -> None:
    evidence = store.evidence(5)
    assert (evidence.level, evidence.complete, len(evidence.manifests)) == (5, True, 8)
    assert list(evidence.comparisons) == [(TXN, store.middle, AGAIN)]
    assert evidence.comparison(TXN, AGAIN, store.middle) is the_comparison(evidence)
    assert the_comparison(evidence).verdict is Verdict.EQUAL
    said = explanations(store, evidence)["overlap-manifest"]
    assert "Compared record by record they hold the same over versions 1 to 100: either may be chosen." in said


def test_a_difference_is_told_with_its_version_and_both_records(store: BackupStore) -> None:
    altered = [b"record %d" % number for number in range(50)]
    altered[7] = b"another"
    store.put("transaction_1-.bbbb/51-.chunk", framed(altered))
    evidence = store.evidence(5)
    assert the_comparison(evidence).at == 58
    said = explanations(store, evidence)["overlap-manifest"]
    assert f"they differ first at version 58 (8 bytes in {store.middle}, 7 bytes in {AGAIN})." in said


def test_what_cant_be_told_says_why(store: BackupStore) -> None:
    (store.folder / "transaction_1-.bbbb/51-.chunk").unlink()
    evidence = store.evidence(5)
    assert the_comparison(evidence).doubt is Doubt.UNREADABLE
    said = explanations(store, evidence)["overlap-manifest"]
    assert "can't be told after 50 equal records: chunk 1 (51 to 100) of B is not in the store" in said
    (store.folder / AGAIN).unlink()
    said = explanations(store, store.evidence(5))["overlap-manifest"]
    assert "can't be told: B: the manifest is not in the store" in said


def test_below_level_5_nothing_is_said_of_content(store: BackupStore) -> None:
    assert "record" not in explanations(store, store.evidence(4))["overlap-manifest"]


def test_pairs_that_are_left_out_are_counted(store: BackupStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.manifests.conflicts.pairs_of, "__defaults__", (None, 1))
    store.add_line(TransactionRecord(1, 50, "transaction_1-.cccc/transaction.manifest"), "more.meta")
    evidence = store.evidence(5)
    assert (len(evidence.comparisons), evidence.uncompared) == (1, {TXN: 1})
    assert "1 more pair of them were not compared" in explanations(store, evidence)["overlap-nested"]


def test_what_is_read_was_planned(store: BackupStore) -> None:
    plan = plan_evidence(store.reader(), store.look(), 5)
    once = plan_evidence(store.reader(), store.look(), 4)
    chunks = [store.folder / f"transaction_1-.{suffix}/{low}-.chunk" for suffix in ("aaaa", "bbbb") for low in (1, 51)]
    assert (plan.pairs, plan.files) == (1, once.files)
    assert plan.bytes == once.bytes + sum(path.stat().st_size for path in chunks)
    assert store.evidence(5).bytes_read == plan.bytes


def test_conflicting_manifests_alone_are_looked_at_when_asked(store: BackupStore) -> None:
    snapshot = store.look()
    chosen = conflicting(snapshot)
    assert chosen == {store.middle, AGAIN}
    evidence = collect_evidence(store.reader(), snapshot, 5, manifests=chosen)
    assert {handle for _, handle in evidence.manifests} == chosen
    assert the_comparison(evidence).verdict is Verdict.EQUAL


def test_a_stop_in_a_comparison_leaves_the_rest_incomplete(store: BackupStore) -> None:
    told = Watcher[EvidenceProgress]()
    whole = collect_evidence(store.reader(), store.look(), 5, told)
    assert told.told[-1] == EvidenceProgress(9, 9, whole.bytes_read)
    assert [each.bytes_read for each in told.told] == sorted(each.bytes_read for each in told.told)
    for after in range(len(told.told)):
        evidence = collect_evidence(store.reader(), store.look(), 5, Watcher[EvidenceProgress](after))
        assert not evidence.complete
        assert set(evidence.comparisons) <= set(whole.comparisons)


def test_chunk_files_that_two_manifests_name_are_told_on_both(store: BackupStore) -> None:
    manifest = store.manifest(store.middle)
    derived = "transaction_1-.splice_00000000/transaction.manifest"
    store.put_json(derived, manifest | {"last_version": 50, "chunks": manifest["chunks"][:1]})
    store.add_line(TransactionRecord(1, 50, derived), "derived.meta")
    evidence = store.evidence(2)
    assert evidence.manifests[TXN, store.middle].shared_with == (derived,)
    assert evidence.manifests[TXN, derived].shared_with == (store.middle,)
    assert evidence.manifests[TXN, store.newest].shared_with == ()
    shared = store.evidence(5).comparison(TXN, derived, store.middle)
    assert shared is not None and (shared.verdict, shared.bytes) == (Verdict.EQUAL, 0)


def test_proofs_that_are_there_are_counted(store: BackupStore) -> None:
    (store.folder / "transaction_1-.aaaa/1-50.proof").unlink()
    assert store.evidence(3).manifests[TXN, store.middle].proofs == 1
    assert store.evidence(3).manifests[STATE, store.snapshot].proofs == 3
    assert store.evidence(2).manifests[TXN, store.middle].proofs is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("same-range", "differ first at version 613 (35 bytes in "),
        ("two-batch-sizes", "Of 12 pairs that were compared record by record 12 hold the same"),
        ("no-join", "hold the same over versions"),
        ("snapshot-tie", "can't be told after 100 equal records: chunk 1 (100 to 199) of B is not in the store"),
    ],
)
def test_the_sample_stores_tell_what_their_conflicts_hold(tmp_path: Path, name: str, said: str) -> None:
    build_demo_store(name, tmp_path / name)
    engine = Engine(LocalReader(str(tmp_path / name)), FixedHost(NOW))
    report = engine.check(engine.look(), MAX_LEVEL)
    assert any(said in finding.explanation for finding in report.findings)
    assert report.not_checked == "chunk bytes that are in no conflict, proofs, signatures"


def test_a_hostile_pair_of_manifests_takes_no_time_or_memory(store: BackupStore) -> None:
    """Thousands of chunks that all name one file, in both of two manifests: each file is compared once."""
    for folder, handle in (("transaction_1-.aaaa", store.middle), ("transaction_1-.bbbb", AGAIN)):
        store.put(f"{folder}/1-.chunk", records(1))
        chunks = [
            {"first_version": v, "last_version": v, "transactions": f"{folder}/1-.chunk", "proof": "p", "format": "V1"}
            for v in range(1, 5_001)
        ]
        store.put_json(handle, {"first_version": 1, "last_version": 5_000, "chunks": chunks})
    snapshot = take_snapshot(store.reader(), FixedHost(NOW))
    comparison = the_comparison(collect_evidence(store.reader(), snapshot, 5, manifests=conflicting(snapshot)))
    assert (comparison.verdict, comparison.records) == (Verdict.EQUAL, 5_000)
    assert comparison.bytes == len(records(1))

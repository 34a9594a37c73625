"""Findings of compaction records and identities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.findings import Case, find
from core.index import MetaFile
from core.model import U64_MAX, Finding, IdentityRecord, Severity, TimestampsRecord
from core.snapshot import Snapshot
from core.stock import CompactionOptions
from tests.support.backups import BackupStore
from tests.support.hazards import kinds
from tests.support.stores import NOW, base_store, epoch, lines, snapshot_of

EXISTING = "metadata/transaction_0-0.meta"


def store_of(*records: TimestampsRecord, **extra: bytes) -> Snapshot:
    named = {f"compaction_timestamps_{record.file_compacted_at}.meta": lines(record) for record in records}
    return snapshot_of({**base_store(), **named, **{f"{name}.meta": content for name, content in extra.items()}})


def check(snapshot: Snapshot, *factors: CompactionOptions) -> tuple[Finding, ...]:
    return find(Case(snapshot, NOW + 9_000, factors), 1)


def one(findings: tuple[Finding, ...], kind: str) -> Finding:
    (found,) = (each for each in findings if each.kind == kind)
    return found


def record(at: int, **stamps: int | None) -> TimestampsRecord:
    return TimestampsRecord(at, {EXISTING: None, **{f"metadata/{name}.meta": at for name, at in stamps.items()}})


def test_a_good_record_is_no_finding() -> None:
    assert check(store_of(record(NOW), record(NOW - 86_400))) == ()


def test_a_record_from_the_future_wins_and_nothing_expires_any_more() -> None:
    found = one(check(store_of(record(NOW + 1_000_000))), "timestamps-future")
    assert (found.severity, found.stock_says) == (Severity.WARNING, None)
    assert "dated 2023-11-26 12:00:00Z, 11 days from now" in found.explanation
    assert found.next_step.startswith("seamline compact memory ") and found.next_step.endswith(" --dry-run")


def test_clocks_may_differ_by_seconds() -> None:
    assert check(store_of(record(NOW + 9_060))) == ()
    assert kinds(check(store_of(record(NOW + 9_061)))) == {"timestamps-future"}


def test_stamps_of_1970_make_everything_expire_at_once() -> None:
    stamped = TimestampsRecord(NOW, {EXISTING: 5})
    found = one(check(store_of(stamped)), "timestamps-back")
    assert "1 stamp in it is as old" in found.explanation


def test_a_record_that_wins_by_its_date_but_is_older_by_its_file_went_back() -> None:
    snapshot = store_of(record(NOW), record(NOW - 500))
    index = snapshot.index

    def written(file: MetaFile) -> MetaFile:
        later = NOW + 7_200 if file.handle.endswith(f"{NOW - 500}.meta") else NOW
        return replace(file, listed=replace(file.listed, modified=float(later)))

    aged = replace(snapshot, index=replace(index, files=tuple(map(written, index.files))))
    found = one(check(aged), "timestamps-back")
    assert f"metadata/compaction_timestamps_{NOW - 500}.meta was written after it" in found.explanation


def test_a_file_that_the_newest_record_names_and_that_is_gone_wedges_every_compaction() -> None:
    found = one(check(store_of(record(NOW, gone=NOW - 5))), "compaction-wedge-missing-file")
    assert found.severity is Severity.ERROR
    assert found.stock_says == "No such file or directory (os error 2)"
    assert found.manifests == ("metadata/gone.meta",)
    assert "(2023-11-14 22:13:15Z and the grace period)" in found.explanation


def test_what_only_an_older_record_names_does_no_harm() -> None:
    assert check(store_of(record(NOW), record(NOW - 9, gone=5))) == ()


def test_a_missing_file_that_was_retired_already_is_said_to_be_there() -> None:
    metadata = {**base_store(), "compaction_timestamps_9.meta": lines(record(NOW, gone=NOW))}
    found = one(check(snapshot_of(metadata, {"gone.meta": b""})), "compaction-wedge-missing-file")
    assert "1 of them is in metadata_backup/ already" in found.explanation


@pytest.mark.parametrize(
    "key", ["/etc/passwd", "metadata/../x", "transaction_1-.aaaa/transaction.manifest", "metadata/a/b"]
)
def test_a_record_that_names_anything_but_a_metadata_file_is_hostile(key: str) -> None:
    found = check(store_of(TimestampsRecord(NOW, {key: NOW})))
    assert kinds(found) == {"timestamps-foreign-handle"}
    assert found[0].manifests == (key,)


def test_two_newest_records_that_differ_are_a_tie_and_equal_ones_are_not() -> None:
    same = check(store_of(record(NOW), again=lines(record(NOW))))
    assert "timestamps-tie" not in kinds(same)
    other = one(check(store_of(record(NOW), again=lines(TimestampsRecord(NOW, {})))), "timestamps-tie")
    assert {claim.file for claim in other.claims} == {
        f"metadata/compaction_timestamps_{NOW}.meta",
        "metadata/again.meta",
    }


def test_a_stamp_near_2_to_the_64_aborts_stock() -> None:
    endless = TimestampsRecord(NOW, {EXISTING: U64_MAX - 86_399})
    assert one(check(store_of(endless)), "timestamps-overflow").stock_says == "attempt to add with overflow"
    assert check(store_of(TimestampsRecord(NOW, {EXISTING: U64_MAX - 86_400}))) == ()


def test_a_longer_grace_that_is_asked_for_overflows_earlier() -> None:
    stamped = store_of(TimestampsRecord(NOW, {EXISTING: U64_MAX - 100_000}))
    assert "timestamps-overflow" in kinds(check(stamped, CompactionOptions(remove_compacted_after=100_001)))


# Identities


def without_identity() -> dict[str, bytes]:
    return {name: content for name, content in base_store().items() if name != "identity.meta"}


def test_an_identity_that_is_nowhere_is_information() -> None:
    found = check(snapshot_of(without_identity()))
    assert [(each.kind, each.severity) for each in found] == [("identity-missing", Severity.INFO)]


def test_an_identity_that_was_moved_away_is_information() -> None:
    (found,) = check(snapshot_of(without_identity(), {"identity.meta": base_store()["identity.meta"]}))
    assert (found.kind, found.severity) == ("identity-evicted", Severity.INFO)
    assert found.next_step == "mv -n -- memory/metadata_backup/identity.meta memory/metadata/"


def test_two_identities_are_a_merged_store_and_one_twice_is_not() -> None:
    again = {"identity.meta": base_store()["identity.meta"]}
    assert "identity-multiple" not in kinds(check(snapshot_of(base_store(), again)))
    other = {"identity.meta": lines(IdentityRecord("cd" * 32))}
    found = one(check(snapshot_of(base_store(), other)), "identity-multiple")
    assert (found.severity, len(found.claims)) == (Severity.ERROR, 2)


def test_backups_of_two_chains_in_one_store_show_in_the_waypoints_of_epoch_0(tmp_path: Path) -> None:
    store = BackupStore(tmp_path / "store")
    store.add_epoch(0, 0, suffix="bbbb")
    twice = store.evidence(2)
    assert "identity-never-checked" not in kinds(find(Case(store.look(), NOW + 9_000, evidence=twice), 2))
    store.edit("epoch_ending_0-.bbbb/epoch_ending.manifest", waypoints=[f"0:{'cd' * 32}"])
    store.add_line(epoch(0, 0, 0, 0, "epoch_ending_0-.bbbb/epoch_ending.manifest"), "other.meta")
    store.add_line(epoch(0, 0, 0, 0), "epoch_ending_0-0.meta")
    found = one(find(Case(store.look(), NOW + 9_000, evidence=store.evidence(2)), 2), "identity-never-checked")
    assert (found.first, found.last, len(found.manifests)) == (0, 0, 2)

"""The sample stores are whole, always the same, and each holds its named trouble and no other.

The stores are read with a small reader of this file's own, so that generator and engine can't agree on a mistake.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.demo import SCENARIOS, build_demo_store
from core.demo.metadata import Factors, MetadataIndex
from core.errors import UsageError
from core.model import EpochEndingRecord, TransactionRecord

NAMES = (
    "clean",
    "same-range",
    "two-batch-sizes",
    "started-over",
    "torn-compaction",
    "gap",
    "no-join",
    "snapshot-tie",
    "everything",
    "race",
)
#: What lies in a store beside what stock puts there.
OURS = {"seamline", "compaction.lock", "compaction.lock.flock"}
VARIANTS = {"EpochEndingBackup", "StateSnapshotBackup", "TransactionBackup", "Identity", "CompactionTimestamps"}
LOST_CHUNKS = {"snapshot-tie": 1, "everything": 1}

Txn = tuple[int, int, str]
Epoch = tuple[int, int, int, int, str]
Snapshot = tuple[int, int, str]


@dataclass(frozen=True)
class Store:
    """A store as read back from disk: the three lanes as stock loads them, and who claims each entry."""

    name: str
    folder: Path
    transactions: list[Txn]
    epochs: list[Epoch]
    snapshots: list[Snapshot]
    claims: dict[tuple[Any, ...], list[str]]

    def manifest(self, handle: str) -> Any:
        return json.loads((self.folder / handle).read_bytes())

    def manifests_of(self, first: int, last: int) -> list[str]:
        return [entry[2] for entry in self.transactions if entry[:2] == (first, last)]


def lines_of(folder: Path) -> Iterable[tuple[str, str, dict[str, Any]]]:
    for path in sorted(folder.glob("*")):
        for line in path.read_bytes().splitlines(keepends=True):
            assert line.endswith(b"\n")
            ((variant, fields),) = json.loads(line).items()
            assert line.decode() == json.dumps({variant: fields}, separators=(",", ":")) + "\n"
            yield path.name, variant, fields


def read(name: str, folder: Path, metadata: str = "metadata") -> Store:
    lanes: dict[str, set[tuple[Any, ...]]] = {variant: set() for variant in VARIANTS}
    claims: dict[tuple[Any, ...], list[str]] = {}
    for file, variant, fields in lines_of(folder / metadata):
        if variant.endswith("Backup"):
            entry = tuple(fields.values())
            lanes[variant].add(entry)
            claims.setdefault(entry, []).append(file)
    transactions, epochs, snapshots = (
        sorted(lanes[variant]) for variant in ("TransactionBackup", "EpochEndingBackup", "StateSnapshotBackup")
    )
    return Store(name, folder, transactions, epochs, snapshots, claims)


def walk_transactions(store: Store) -> str:
    """Stock's selection to the last entry: its message, or the version reached."""
    expected = 0
    for first, last, _ in store.transactions:
        if first != expected:
            return f"Transaction backup ranges not continuous, expecting version {expected}, got {first}."
        expected = last + 1
    return f"reaches {expected - 1}"


def walk_epochs(store: Store) -> str:
    """Stock's selection to the last entry: its message, or "fine"."""
    expected = 0
    for first, last, *_ in store.epochs:
        if first != expected:
            return f"Epoch ending backup ranges not continuous, expecting epoch {expected}, got {first}."
        expected = last + 1
    return "fine"


def reachable(ranges: Iterable[tuple[int, int]]) -> int:
    """The greatest boundary that ranges joined end to end reach from 0."""
    reached = {0}
    for first, last in sorted(ranges):
        if first in reached:
            reached.add(last + 1)
    return max(reached)


def chain_end(store: Store) -> int:
    return reachable(entry[:2] for entry in store.transactions) - 1


def uncovered(store: Store) -> list[tuple[int, int]]:
    holes, end = [], 0
    for first, last, _ in store.transactions:
        if first > end:
            holes.append((end, first - 1))
        end = max(end, last + 1)
    return holes


def snapshot_ties(store: Store) -> list[list[Snapshot]]:
    groups: dict[int, list[Snapshot]] = {}
    for snapshot in store.snapshots:
        groups.setdefault(snapshot[1], []).append(snapshot)
    return [group for group in groups.values() if len(group) > 1]


def records_of(path: Path) -> list[bytes]:
    content, records, at = path.read_bytes(), [], 0
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        assert 0 < length <= len(content) - at - 4
        records.append(content[at + 4 : at + 4 + length])
        at += 4 + length
    return records


def transaction_records(store: Store, handle: str) -> dict[int, bytes]:
    return {
        chunk["first_version"] + offset: record
        for chunk in store.manifest(handle)["chunks"]
        for offset, record in enumerate(records_of(store.folder / chunk["transactions"]))
    }


def every_file(folder: Path) -> dict[str, tuple[bytes | None, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else None, path.stat().st_mtime_ns)
        for path in [folder, *folder.rglob("*")]
    }


def missing_files(store: Store) -> list[str]:
    handles = [
        handle
        for entry in store.claims
        for chunk in store.manifest(entry[-1])["chunks"]
        for key, handle in chunk.items()
        if key in {"transactions", "proof", "ledger_infos", "blobs"}
    ]
    return [handle for handle in handles if not (store.folder / handle).is_file()]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    root = tmp_path_factory.mktemp("demo")
    for name in NAMES:
        build_demo_store(name, root / name)
    return {name: read(name, root / name) for name in NAMES}


@pytest.fixture(params=NAMES)
def store(request: pytest.FixtureRequest, stores: dict[str, Store]) -> Store:
    return stores[request.param]


def test_the_scenarios_are_the_promised_ones_each_with_one_line() -> None:
    assert tuple(SCENARIOS) == NAMES
    for name, chosen in SCENARIOS.items():
        assert chosen.name == name
        assert 30 < len(chosen.summary) < 100
        assert "\n" not in chosen.summary


def test_every_metadata_file_bears_a_stock_name_and_holds_known_lines(store: Store) -> None:
    stock_name = re.compile(
        r"identity\.meta|compaction_timestamps_\d+\.meta|state_snapshot_(ver_\d+|compacted_epoch_\d+_\d+)\.meta"
        r"|(epoch_ending|transaction)_(compacted_)?\d+-\d+\.meta"
    )
    assert {variant for _, variant, _ in lines_of(store.folder / "metadata")} == VARIANTS
    for folder in ("metadata", "metadata_backup"):
        assert all(stock_name.fullmatch(path.name) for path in (store.folder / folder).glob("*"))


def test_names_of_single_line_files_say_what_the_line_says(store: Store) -> None:
    for entry, files in store.claims.items():
        for file in files:
            if "compacted" not in file:
                numbers = [int(number) for number in re.findall(r"\d+", file)]
                assert numbers == (list(entry[:2]) if len(numbers) == 2 else [entry[1]])


def test_transaction_manifests_agree_with_their_lines_and_chunks(store: Store) -> None:
    for first, last, handle in store.transactions:
        manifest = store.manifest(handle)
        assert list(manifest) == ["first_version", "last_version", "chunks"]
        assert (manifest["first_version"], manifest["last_version"]) == (first, last)
        ranges = [(chunk["first_version"], chunk["last_version"]) for chunk in manifest["chunks"]]
        assert (ranges[0][0], ranges[-1][1]) == (first, last)
        assert all(end + 1 == begin for (_, end), (begin, _) in pairwise(ranges))
        for chunk in manifest["chunks"]:
            assert list(chunk) == ["first_version", "last_version", "transactions", "proof", "format"]
            span = chunk["last_version"] - chunk["first_version"] + 1
            assert len(records_of(store.folder / chunk["transactions"])) == span
            assert (store.folder / chunk["proof"]).stat().st_size > 0
            assert chunk["proof"].endswith(f"/{chunk['first_version']}-{chunk['last_version']}.proof")


def test_most_manifests_have_several_chunks(store: Store) -> None:
    counts = [len(store.manifest(handle)["chunks"]) for first, last, handle in store.transactions if last - first > 250]
    assert counts
    assert min(counts) >= 4


def test_epoch_manifests_agree_with_their_lines_and_waypoints(store: Store) -> None:
    for first, last, first_version, last_version, handle in store.epochs:
        manifest = store.manifest(handle)
        assert list(manifest) == ["first_epoch", "last_epoch", "waypoints", "chunks"]
        waypoints = manifest["waypoints"]
        assert len(waypoints) == last - first + 1
        assert all(re.fullmatch(r"\d+:[0-9a-f]{64}", waypoint) for waypoint in waypoints)
        assert [int(waypoint.split(":")[0]) for waypoint in (waypoints[0], waypoints[-1])] == [
            first_version,
            last_version,
        ]
        (chunk,) = manifest["chunks"]
        assert len(records_of(store.folder / chunk["ledger_infos"])) == last - first + 1


def test_epoch_versions_rise_with_the_epochs(store: Store) -> None:
    ends = sorted({(first, first_version) for first, _, first_version, _, _ in store.epochs})
    assert ends[0] == (0, 0)
    assert [epoch for epoch, _ in ends] == list(range(len(ends)))
    assert all(370 <= later - earlier < 490 for (_, earlier), (_, later) in pairwise(ends))


def test_snapshots_sit_on_the_last_version_of_their_epoch(store: Store) -> None:
    ends = {first: version for first, _, version, _, _ in store.epochs}
    assert len(store.snapshots) >= 6
    assert all(ends[epoch] == version for epoch, version, _ in store.snapshots)


def test_snapshot_manifests_agree_with_their_lines_and_chunks(store: Store) -> None:
    missing = 0
    for epoch, version, handle in store.snapshots:
        manifest = store.manifest(handle)
        assert list(manifest) == ["version", "epoch", "root_hash", "chunks", "proof"]
        assert (manifest["epoch"], manifest["version"]) == (epoch, version)
        assert re.fullmatch("[0-9a-f]{64}", manifest["root_hash"])
        assert (store.folder / manifest["proof"]).stat().st_size > 0
        keys = [key for chunk in manifest["chunks"] for key in (chunk["first_key"], chunk["last_key"])]
        assert keys == sorted(keys)
        next_index = 0
        for chunk in manifest["chunks"]:
            assert chunk["first_idx"] == next_index
            next_index = chunk["last_idx"] + 1
            assert (store.folder / chunk["proof"]).stat().st_size > 0
            if (store.folder / chunk["blobs"]).exists():
                assert len(records_of(store.folder / chunk["blobs"])) == next_index - chunk["first_idx"]
            else:
                missing += 1
    assert missing == LOST_CHUNKS.get(store.name, 0)


def test_only_the_promised_files_are_missing_and_none_is_an_orphan(store: Store) -> None:
    assert len(missing_files(store)) == LOST_CHUNKS.get(store.name, 0)
    retired = read(store.name, store.folder, "metadata_backup")
    named = {entry[-1].split("/")[0] for entry in [*store.claims, *retired.claims]}
    present = {path.name for path in store.folder.iterdir()} - {"metadata", "metadata_backup", *OURS}
    assert present == named
    assert all(re.fullmatch(r"(\w+_\d+-|state_epoch_\d+_ver_\d+)\.[0-9a-f]{4}", folder) for folder in present)


def test_transactions_reach_beyond_the_newest_epoch_and_snapshot(store: Store) -> None:
    newest = store.transactions[-1][1]
    assert newest >= store.epochs[-1][3] >= store.snapshots[-1][1]
    assert newest - store.epochs[-1][3] < 490


def test_there_is_exactly_one_identity_and_it_is_in_metadata(store: Store) -> None:
    ids = [fields["id"] for _, variant, fields in lines_of(store.folder / "metadata") if variant == "Identity"]
    assert len(ids) == 1
    assert re.fullmatch("[0-9a-f]{64}", ids[0])
    assert not (store.folder / "metadata_backup" / "identity.meta").exists()


def test_no_retired_name_is_in_use_again(store: Store) -> None:
    listed = {path.name for path in (store.folder / "metadata").iterdir()}
    assert listed.isdisjoint(path.name for path in (store.folder / "metadata_backup").glob("*"))


def test_the_newest_stamps_name_only_files_that_are_listed(store: Store) -> None:
    runs = [fields for _, variant, fields in lines_of(store.folder / "metadata") if variant == "CompactionTimestamps"]
    newest = max(runs, key=lambda run: run["file_compacted_at"])
    assert newest["compaction_timestamps"]
    gone = [handle for handle in newest["compaction_timestamps"] if not (store.folder / handle).is_file()]
    assert len(gone) == (9 if store.name == "race" else 0)
    assert all(stamp <= newest["file_compacted_at"] for stamp in newest["compaction_timestamps"].values())
    path = store.folder / "metadata" / f"compaction_timestamps_{newest['file_compacted_at']}.meta"
    assert path.stat().st_mtime == newest["file_compacted_at"]


def test_compacted_files_hold_what_their_names_say_unless_torn(store: Store) -> None:
    short = set()
    for folder in ("metadata", "metadata_backup"):
        files: dict[str, list[tuple[Any, ...]]] = {}
        for file, _, fields in lines_of(store.folder / folder):
            if "compacted" in file:
                files.setdefault(file, []).append(tuple(fields.values()))
        for file, entries in files.items():
            start, end = (int(number) for number in re.findall(r"\d+", file))
            ends_at = entries[-1][0 if file.startswith("state") else 1]
            assert entries[0][0] == start
            if ends_at != end:
                short.add(file)
    torn = {"transaction_compacted_4001-9000.meta"} if store.name in {"torn-compaction", "everything"} else set()
    assert short == torn


def test_a_data_file_is_older_than_its_manifest_and_that_than_its_first_metadata_file(store: Store) -> None:
    def mtime(handle: str) -> float:
        return (store.folder / handle).stat().st_mtime

    for entry, files in store.claims.items():
        handle = entry[-1]
        siblings = [path for path in (store.folder / handle).parent.iterdir() if path.name != Path(handle).name]
        assert all(path.stat().st_mtime < mtime(handle) for path in siblings)
        assert min(mtime(f"metadata/{file}") for file in files) >= mtime(handle)


def test_every_time_is_in_the_first_days_of_2026(store: Store) -> None:
    days = [path.stat().st_mtime - 1_767_225_600 for path in [store.folder, *store.folder.rglob("*")]]
    assert min(days) >= 0
    assert max(days) < 6 * 86_400


def test_a_store_is_small(store: Store) -> None:
    assert sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file()) < 2_000_000


@pytest.mark.parametrize("name", NAMES)
def test_two_builds_are_equal_to_the_byte_and_the_second(name: str, stores: dict[str, Store], tmp_path: Path) -> None:
    build_demo_store(name, tmp_path / "again")
    assert every_file(tmp_path / "again") == every_file(stores[name].folder)


def test_stock_walks_the_clean_store_to_its_end(stores: dict[str, Store]) -> None:
    clean = stores["clean"]
    assert walk_transactions(clean) == "reaches 13000"
    assert walk_epochs(clean) == "fine"
    assert snapshot_ties(clean) == []
    assert len(clean.claims) < sum(map(len, clean.claims.values())), "compaction keeps originals for a day"
    assert (clean.folder / "metadata_backup" / "transaction_0-0.meta").is_file()


def test_same_range_is_the_classic_case(stores: dict[str, Store]) -> None:
    classic = stores["same-range"]
    assert walk_transactions(classic) == "Transaction backup ranges not continuous, expecting version 1000, got 0."
    assert Counter(entry[:2] for entry in classic.transactions).most_common(2)[0] == ((0, 999), 2)
    assert len({entry[:2] for entry in classic.transactions}) == 12
    compacted = {
        handle: [file for file in classic.claims[0, 999, handle] if "compacted" in file]
        for handle in classic.manifests_of(0, 999)
    }
    assert sorted(compacted.values()) == [
        ["transaction_compacted_0-1999.meta"],
        ["transaction_compacted_0-2999.meta"],
    ]
    for left_out in classic.manifests_of(0, 999):
        assert reachable(entry[:2] for entry in classic.transactions if entry[2] != left_out) == 12_000


def test_the_two_manifests_of_same_range_differ_in_two_records_of_which_sizes_show_one(
    stores: dict[str, Store],
) -> None:
    classic = stores["same-range"]
    one, other = (transaction_records(classic, handle) for handle in classic.manifests_of(0, 999))
    assert one.keys() == other.keys() == set(range(1_000))
    assert [version for version in one if one[version] != other[version]] == [613, 871]
    assert [version for version in one if len(one[version]) != len(other[version])] == [613]


def test_two_batch_sizes_nest_and_leave_a_chain(stores: dict[str, Store]) -> None:
    nested = stores["two-batch-sizes"]
    assert walk_transactions(nested) == "Transaction backup ranges not continuous, expecting version 5251, got 5001."
    small = [entry for entry in nested.transactions if entry[1] - entry[0] == 249]
    assert [small[0][0], small[-1][1], len(small)] == [5_001, 8_000, 12]
    assert chain_end(nested) == nested.transactions[-1][1] == 12_000
    assert reachable(entry[:2] for entry in nested.transactions if entry not in small) == 12_001


def test_started_over_claims_everything_twice_up_to_a_point(stores: dict[str, Store]) -> None:
    again = stores["started-over"]
    assert walk_transactions(again) == "Transaction backup ranges not continuous, expecting version 1, got 0."
    assert walk_epochs(again) == "Epoch ending backup ranges not continuous, expecting epoch 1, got 0."
    twice = [key for key, count in Counter(entry[:2] for entry in again.transactions).items() if count == 2]
    once = [key for key, count in Counter(entry[:2] for entry in again.transactions).items() if count == 1]
    assert max(last for _, last in twice) == 8_000 < min(first for first, _ in once)
    assert chain_end(again) == 12_000
    assert len(snapshot_ties(again)) >= 4
    for first, last in twice:
        one, other = (transaction_records(again, handle) for handle in again.manifests_of(first, last))
        assert one == other


def test_started_over_has_an_identity_younger_than_its_first_backups(stores: dict[str, Store]) -> None:
    folder = stores["started-over"].folder
    oldest = min(path.stat().st_mtime for path in folder.glob("transaction_*/*.manifest"))
    assert (folder / "metadata" / "identity.meta").stat().st_mtime > oldest + 86_400


def test_torn_compaction_leaves_a_gap_whose_lines_survive_in_metadata_backup(stores: dict[str, Store]) -> None:
    torn = stores["torn-compaction"]
    assert walk_transactions(torn) == "Transaction backup ranges not continuous, expecting version 6001, got 9001."
    assert walk_epochs(torn) == "fine"
    assert uncovered(torn) == [(6_001, 9_000)]
    content = (torn.folder / "metadata" / "transaction_compacted_4001-9000.meta").read_bytes()
    assert content.endswith(b"\n")
    assert content.count(b"\n") == 2
    retired = read(torn.name, torn.folder, "metadata_backup")
    lost = [entry for entry in retired.transactions if entry not in torn.transactions]
    assert [entry[:2] for entry in lost] == [(6_001, 7_000), (7_001, 8_000), (8_001, 9_000)]
    assert reachable(entry[:2] for entry in [*torn.transactions, *lost]) == 17_001


def test_gap_has_one_exact_gap_and_nothing_to_fill_it(stores: dict[str, Store]) -> None:
    broken = stores["gap"]
    assert walk_transactions(broken) == "Transaction backup ranges not continuous, expecting version 6001, got 7001."
    assert uncovered(broken) == [(6_001, 7_000)]
    assert not list(broken.folder.glob("transaction_6001-*"))
    assert not (broken.folder / "metadata_backup").exists()


def test_no_join_is_covered_but_only_chunks_make_a_chain(stores: dict[str, Store]) -> None:
    covered = stores["no-join"]
    assert walk_transactions(covered) == "Transaction backup ranges not continuous, expecting version 6001, got 5501."
    assert uncovered(covered) == []
    assert chain_end(covered) == 6_000
    chunks = [
        (chunk["first_version"], chunk["last_version"])
        for *_, handle in covered.transactions
        for chunk in covered.manifest(handle)["chunks"]
    ]
    assert reachable(chunks) - 1 == covered.transactions[-1][1] == 12_500


def test_snapshot_tie_makes_stock_pick_the_newest_one_with_a_missing_chunk(stores: dict[str, Store]) -> None:
    tied = stores["snapshot-tie"]
    ((whole, picked),) = snapshot_ties(tied)
    assert picked == tied.snapshots[-1], "stock picks the last in sort order"
    (missing,) = missing_files(tied)
    assert missing.startswith(picked[2].split("/")[0] + "/")
    assert tied.claims[whole] != tied.claims[picked]


@pytest.mark.parametrize("name", ["clean", "snapshot-tie"])
def test_stores_without_a_transaction_trouble_walk_to_their_end(name: str, stores: dict[str, Store]) -> None:
    assert walk_transactions(stores[name]) == f"reaches {stores[name].transactions[-1][1]}"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "started-over"])
def test_epoch_endings_are_whole_everywhere_else(name: str, stores: dict[str, Store]) -> None:
    assert walk_epochs(stores[name]) == "fine"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"started-over", *LOST_CHUNKS}])
def test_snapshots_are_single_everywhere_else(name: str, stores: dict[str, Store]) -> None:
    assert snapshot_ties(stores[name]) == []


def test_everything_holds_the_other_troubles_in_different_places(stores: dict[str, Store]) -> None:
    everything = stores["everything"]
    assert walk_transactions(everything).endswith("expecting version 3001, got 2501.")
    assert uncovered(everything) == [(6_001, 9_000), (18_001, 19_000)]
    assert len(everything.manifests_of(12_001, 13_000)) == 2
    small = [entry for entry in everything.transactions if entry[1] - entry[0] == 249]
    assert [small[0][0], small[-1][1]] == [15_001, 17_000]
    assert {(21_001, 22_000), (21_501, 22_500), (22_501, 23_500)} <= {entry[:2] for entry in everything.transactions}
    assert len(snapshot_ties(everything)) == 1
    assert everything.transactions[-1][1] == 24_500


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        build_demo_store("clean", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="not a folder"):
        build_demo_store("clean", tmp_path / "file")


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    build_demo_store("gap", tmp_path)
    assert (tmp_path / "metadata" / "identity.meta").is_file()


def test_an_unknown_name_is_refused_with_the_names_that_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        build_demo_store("[/x]", tmp_path / "new")
    assert "same-range" in refused.value.hint
    assert not (tmp_path / "new").exists()


def test_the_generator_needs_neither_numpy_nor_textual() -> None:
    code = "import sys, core.demo; print(sorted({'numpy', 'textual', 'rich', 'msgspec'} & set(sys.modules)))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"


def epochs_with_a_gap(index: MetadataIndex) -> None:
    for epoch in (0, 2):
        index.save(EpochEndingRecord(epoch, epoch, epoch, epoch, "m"), 1, replace=False)


def transactions_that_overlap(index: MetadataIndex) -> None:
    for last in (4, 9):
        index.save(TransactionRecord(0, last, "m"), 1, replace=False)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (epochs_with_a_gap, "Epoch ending backup ranges is not continuous expecting epoch 1, got 2"),
        (transactions_that_overlap, "txn backup ranges is not continuous expecting version 5, got 0."),
    ],
)
def test_a_scenario_can_not_compact_what_stock_would_not(spoil: Callable[[MetadataIndex], None], message: str) -> None:
    index = MetadataIndex()
    spoil(index)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        index.compact(2, Factors())


def test_a_scenario_can_not_save_a_line_under_a_name_in_use_unless_it_replaces_it() -> None:
    index = MetadataIndex()
    index.save(TransactionRecord(0, 4, "a"), 1, replace=False)
    with pytest.raises(ValueError, match="stock would skip it"):
        index.save(TransactionRecord(0, 4, "b"), 2, replace=False)
    index.save(TransactionRecord(0, 4, "b"), 3, replace=True)
    assert index.listed["transaction_0-4.meta"].records == (TransactionRecord(0, 4, "b"),)


def test_race_holds_two_compactions_that_died_half_way(stores: dict[str, Store]) -> None:
    race = stores["race"]
    assert walk_transactions(race) == "reaches 20000"
    newest = max(path.name for path in (race.folder / "metadata").glob("compaction_timestamps_*"))
    killed = {"transaction_compacted_9001-14000.meta", "transaction_compacted_14001-15000.meta"}
    stamped = json.loads((race.folder / "metadata" / newest).read_bytes())["CompactionTimestamps"]
    assert all((race.folder / "metadata" / name).is_file() for name in killed)
    assert killed.isdisjoint(handle.removeprefix("metadata/") for handle in stamped["compaction_timestamps"])
    (intent,) = (race.folder / "seamline" / "journal").glob("*.intent.json")
    planned = json.loads(intent.read_bytes())
    there = [(race.folder / each["mark"]["handle"]).is_file() for each in planned["writes"]]
    assert there == [True, True, True, False, False]
    assert all((race.folder / each["source"]).is_file() for each in planned["retires"])
    assert not list(intent.parent.glob("*.outcome.json"))


def test_the_lease_of_race_is_held_by_a_process_that_its_own_machine_knows_to_have_ended(tmp_path: Path) -> None:
    from core.lease import parse
    from core.machine import ThisMachine

    here = ThisMachine()
    build_demo_store("race", tmp_path / "race", here.process().boot_id)
    record = parse((tmp_path / "race" / "compaction.lock").read_bytes())
    assert record.is_held and record.user == "carol"
    assert here.has_ended(record.holder) == bool(here.process().boot_id)

"""Zones: one cause is one problem, between boundaries that no entry straddles, with a title that names the cause."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.demo import SCENARIOS, build_demo_store
from core.findings import Case, find, group
from core.model import Finding, LaneKind, Record, Severity, Zone
from core.snapshot import Snapshot
from tests.support.hazards import check, hazard_store, kinds, look
from tests.support.stores import NOW, base_store, epoch, lines, snapshot_of, state, txn

TXN, EPOCH, STATE, FILES = LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS, LaneKind.FILES


def findings_of(snapshot: Snapshot) -> tuple[Finding, ...]:
    return find(Case(snapshot, NOW + 9_000), 1)


def problems(findings: tuple[Finding, ...], snapshot: Snapshot) -> list[Zone]:
    """The zones that are more than information."""
    return [zone for zone in group(findings, snapshot) if zone.severity is not Severity.INFO]


def titles(*extra: Record, without: tuple[str, ...] = (), name: str = "extra.meta") -> list[str]:
    """The titles of the problems of base store B with more lines, without some of its files."""
    files = {known: content for known, content in base_store().items() if known not in without}
    snapshot = snapshot_of({**files, name: lines(*extra)} if extra else files)
    return [zone.title for zone in problems(findings_of(snapshot), snapshot)]


#: What the operator reads first of each sample store: lane, first, last, title.
DEMO = {
    "clean": [],
    "same-range": [(TXN, 0, 999, "same range, two manifests")],
    "two-batch-sizes": [(TXN, 5_001, 8_000, "second batch size")],
    "started-over": [
        (TXN, 0, 8_000, "began again at 0"),
        (EPOCH, 0, 18, "began again at 0"),
        (STATE, 0, 6_317, "began again at 0"),
    ],
    "torn-compaction": [(TXN, 6_001, 9_000, "torn compacted file")],
    "gap": [(TXN, 6_001, 7_000, "gap")],
    "no-join": [(TXN, 5_001, 6_500, "no chain joins")],
    "snapshot-tie": [(STATE, 10_873, 10_873, "two snapshots of one version")],
    "race": [(FILES, None, None, "interrupted"), (FILES, None, None, "compaction wedged")],
    "everything": [
        (TXN, 2_001, 4_000, "ranges overlap"),
        (TXN, 6_001, 9_000, "torn compacted file"),
        (TXN, 12_001, 13_000, "same range, two manifests"),
        (TXN, 15_001, 17_000, "second batch size"),
        (TXN, 18_001, 19_000, "gap"),
        (TXN, 21_001, 22_500, "no chain joins"),
        (STATE, 13_268, 13_268, "two snapshots of one version"),
    ],
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_problems_of_a_sample_store_are_its_causes_and_nothing_else(name: str, tmp_path: Path) -> None:
    store = tmp_path / name
    build_demo_store(name, store)
    zones = problems(check(store), look(store))
    assert [(zone.lane, zone.first, zone.last, zone.title) for zone in zones] == DEMO[name]


TITLES = {
    "bad-json-line": "torn line",
    "blank-line": "blank line",
    "bad-encoding": "not UTF-8",
    "foreign-file-in-metadata": "foreign file",
    "empty-meta-file": "empty file",
    "localfs-skip-existing": "empty file",
    "gap-range": "gap",
    "epoch-gap": "epoch gap",
    "no-zero-start": "nothing at 0",
    "inverted-range": "inverted range",
    "version-u64-max": "endless range",
    "name-content-disagree": "torn compacted file",
    "two-coordinators": "second batch size",
    "max-by-first": "one range inside another",
    "snapshot-conflict": "two snapshots of one version",
    "list-placeholder": "folder listed",
    "vacuous-verify": "nothing to verify",
    "compaction-wedge-missing-file": "compaction wedged",
}


@pytest.mark.parametrize("name", TITLES)
def test_an_example_store_of_one_cause_is_one_problem_with_a_telling_title(name: str, tmp_path: Path) -> None:
    store = hazard_store(name, tmp_path)
    (zone,) = problems(check(store), look(store))
    assert zone.title == TITLES[name]


@pytest.mark.parametrize(
    ("extra", "title"),
    [
        ([txn(1, 100, "b")], "same range, two manifests"),
        ([txn(1, 100, "b"), txn(1, 100, "c")], "same range, three manifests"),
        ([txn(1, 100, f"m{number}") for number in range(9)], "same range, 10 manifests"),
        ([txn(1, 100, f"m{number}") for number in range(90)], "same range, many manifests"),
        ([txn(51, 100, "b")], "same end, two starts"),
        ([txn(20, 30, "b")], "one range inside another"),
        ([txn(51, 150, "b")], "ranges overlap"),
        ([epoch(1, 1, 100, 100, "b")], "same range, two manifests"),
        ([state(1, 100, "b"), state(1, 100, "c")], "three snapshots of one version"),
        ([state(0, 0, "b"), state(1, 100, "c")], "two snapshots each of several versions"),
    ],
)
def test_a_title_names_the_shape_and_the_number(extra: list[Record], title: str) -> None:
    assert titles(*extra) == [title]


def test_a_torn_file_and_the_gap_it_leaves_are_one_problem() -> None:
    snapshot = snapshot_of({**base_store(), "transaction_1-100.meta": b'{"Transact'})
    (zone,) = problems(findings_of(snapshot), snapshot)
    assert zone.title == "torn line"
    assert {"bad-json-line", "gap-range", "gap-below-target"} <= {finding.kind for finding in zone.findings}


def test_a_bad_line_inside_a_compacted_file_is_one_problem_with_its_gap() -> None:
    whole = lines(txn(0, 0), txn(1, 100), txn(101, 200)).split(b"\n")
    files = {name: content for name, content in base_store().items() if not name.startswith("transaction")}
    torn = b"\n".join([whole[0], b"{}", whole[2], b""])
    snapshot = snapshot_of({**files, "transaction_compacted_0-200.meta": torn})
    (zone,) = problems(findings_of(snapshot), snapshot)
    assert (zone.lane, zone.first, zone.last, zone.title) == (TXN, 1, 100, "torn line")


def test_two_causes_apart_are_two_problems() -> None:
    assert titles(txn(0, 0, "b"), txn(101, 200, "b")) == ["same range, two manifests"] * 2


def test_neighbours_that_touch_and_have_one_title_are_one_problem() -> None:
    """Two gaps of epochs and versions stay apart, two handles of the wrong folder side by side do not."""
    files = {name: content for name, content in base_store().items() if not name.startswith("transaction")}
    moved = [txn(0, 0), txn(1, 100, "transaction_7-.aaaa/m"), txn(101, 200, "transaction_8-.aaaa/m")]
    snapshot = snapshot_of({**files, "t.meta": lines(*moved)})
    (zone,) = problems(findings_of(snapshot), snapshot)
    assert (zone.first, zone.last, len(zone.findings)) == (1, 200, 2)


def test_what_concerns_files_is_grouped_by_file() -> None:
    snapshot = snapshot_of({**base_store(), "notes.txt": "hello\n", "more.txt": "hello\n"})
    zones = problems(findings_of(snapshot), snapshot)
    assert [zone.title for zone in zones] == ["foreign file", "foreign file"]
    assert all(zone.lane is FILES and zone.first is None for zone in zones)
    assert {zone.findings[0].claims[0].file for zone in zones} == {"metadata/notes.txt", "metadata/more.txt"}


@pytest.mark.parametrize(
    ("kind", "severity"), [("orphan-backup-dir", Severity.INFO), ("dangling-manifest", Severity.ERROR)]
)
def test_information_and_manifests_never_tie_two_problems_together(kind: str, severity: Severity) -> None:
    """A whole lane without manifests is a problem of its own, and hides no other; a part of one belongs to it."""
    texts = {"explanation": "", "cause": "", "next_step": ""}
    findings = [
        Finding("a", "overlap-nested", Severity.ERROR, TXN, 0, 0, **texts),
        Finding("b", kind, severity, TXN, 0, 200, **texts),
        Finding("c", kind, severity, TXN, 120, 150, **texts),
        Finding("d", "overlap-nested", Severity.ERROR, TXN, 101, 200, **texts),
    ]
    zones = group(findings, snapshot_of(base_store()))
    assert {"".join(finding.id for finding in zone.findings) for zone in zones} in (
        {"a", "b", "dc"},
        {"a", "b", "cd"},
    )


# In general

small = st.integers(0, 11)
ranges = st.tuples(small, st.integers(-1, 5), st.sampled_from("abc"))
entries = st.lists(ranges.map(lambda parts: txn(parts[0], max(0, parts[0] + parts[1]), parts[2])), max_size=8)
epochs = st.lists(
    ranges.map(lambda parts: epoch(parts[0], parts[0] + abs(parts[1]), parts[0], parts[0] + abs(parts[1]), parts[2])),
    max_size=4,
)
snapshots = st.lists(st.builds(state, st.integers(0, 3), small, st.sampled_from("ab")), max_size=4)


@given(entries, epochs, snapshots, st.randoms(use_true_random=False))
def test_every_finding_is_in_one_zone_and_zones_do_not_depend_on_its_place(
    transactions: list[Record], endings: list[Record], states: list[Record], chance: random.Random
) -> None:
    snapshot = snapshot_of({"a.meta": lines(*transactions), "b.meta": lines(*endings, *states)})
    findings = findings_of(snapshot)
    zones = group(findings, snapshot)
    placed = [finding.id for zone in zones for finding in zone.findings]
    assert sorted(placed) == sorted(finding.id for finding in findings)
    assert len(set(placed)) == len(placed)
    shuffled = list(findings)
    chance.shuffle(shuffled)
    assert group(shuffled, snapshot) == zones


@given(entries, epochs)
def test_zones_of_a_lane_lie_apart_between_boundaries_that_no_entry_straddles(
    transactions: list[Record], endings: list[Record]
) -> None:
    snapshot = snapshot_of({"a.meta": lines(*transactions), "b.meta": lines(*endings)})
    zones = problems(findings_of(snapshot), snapshot)
    for kind in (TXN, EPOCH):
        mine = sorted((zone.first, zone.last) for zone in zones if zone.lane is kind and zone.first is not None)
        assert all(before[1] < after[0] for before, after in pairwise(mine))
        # Where an inverted entry points says nothing about boundaries.
        told = [zone for zone in zones if zone.lane is kind and "inverted-range" not in kinds(zone.findings)]
        for entry in snapshot.index.lanes[kind].entries():
            for zone in told if entry.first <= entry.last else ():
                assert not entry.first < (zone.first or 0) <= entry.last
                assert zone.last is None or not entry.first <= zone.last < entry.last


@given(entries, epochs, snapshots)
def test_a_zone_holds_its_findings_worst_first_and_is_as_bad_as_the_worst(
    transactions: list[Record], endings: list[Record], states: list[Record]
) -> None:
    snapshot = snapshot_of({"a.meta": lines(*transactions), "b.meta": lines(*endings, *states)})
    zones = group(findings_of(snapshot), snapshot)
    for zone in zones:
        ranks = [finding.severity.rank for finding in zone.findings]
        assert ranks == sorted(ranks, reverse=True)
        assert zone.severity is zone.findings[0].severity
        assert all(finding.lane is zone.lane for finding in zone.findings)
        for finding in zone.findings:
            if finding.first is not None and finding.severity is not Severity.INFO:
                assert zone.first is not None and zone.last is not None and finding.last is not None
                assert zone.first <= finding.first and finding.last <= zone.last
    severities = [zone.severity.rank for zone in zones]
    assert severities == sorted(severities, reverse=True)

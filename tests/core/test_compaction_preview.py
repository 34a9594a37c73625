"""The compaction preview shows what a run would do, where it stops and what it would lose, and it counts rightly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.compaction import CompactionPreview, GroupStatus, LineState, RetiredFile, preview_compaction
from core.model import U64_MAX, LaneKind, Record, TimestampsRecord
from core.names import parse_metadata_name
from core.stock import CompactionOptions, group_content
from tests.support.compactions import carried_out
from tests.support.data import stock_vectors
from tests.support.soaking import examples
from tests.support.stores import NOW, base_store, epoch, lines, numbered, snapshot_of, state, txn
from tests.support.strategies import compacting_stores

Files = dict[str, bytes]

HUNDRED = CompactionOptions(100, 100, 100)
ONE = CompactionOptions(1, 1, 1)
TXN = LaneKind.TRANSACTIONS
EMPTY_MAP = {"a.meta": lines(TimestampsRecord(NOW - 5, {}))}


def preview(metadata: Files, options: CompactionOptions = HUNDRED, backup: Files | None = None) -> CompactionPreview:
    return preview_compaction(snapshot_of(metadata, backup), options, NOW)


def statuses(shown: CompactionPreview, lane: LaneKind = TXN) -> list[GroupStatus]:
    return [group.status for group in shown.lane(lane)]


def hazards(shown: CompactionPreview) -> dict[str, int]:
    return {hazard.id: hazard.count for hazard in shown.hazards}


def times(at: int, stamps: Mapping[str, int | None]) -> Files:
    return {f"compaction_timestamps_{at}.meta": lines(TimestampsRecord(at, stamps))}


def compacted(metadata: Files, options: CompactionOptions = HUNDRED, now: int = NOW) -> Files:
    return carried_out(preview_compaction(snapshot_of(metadata), options, now).run, metadata, {})[0]


def check_against_outcome(shown: CompactionPreview, metadata: Files) -> None:
    """Counts, statuses and lost lines must be what carrying the run out on the files really gives."""
    index = shown.run.index
    after, _ = carried_out(shown.run, metadata, {})
    assert shown.files_before == len(metadata)
    assert shown.files_after == len(after | ({"identity.meta": b""} if shown.run.writes_identity else {}))
    if not shown.run.writes_identity:
        assert sorted(shown.handles_after()) == sorted(f"metadata/{name}" for name in after)
    for lane in shown.lanes:
        for group in lane:
            content = group_content(index, group.group)
            if group.status is GroupStatus.EXISTS_EQUAL:
                assert metadata[group.group.name] == content
            if group.status is GroupStatus.EXISTS_OTHER:
                assert metadata[group.group.name] != content
            if group.status is GroupStatus.OK:
                assert (after[group.group.name], group.lost_lines) == (content, 0)
            if group.status not in (GroupStatus.NOT_REACHED, GroupStatus.STOPS):
                kept = set(snapshot_of({"kept.meta": after[group.group.name]}).index.lanes[lane.kind].entries())
                kept_records = {entry.record for entry in kept}
                records: list[Record] = [index.lanes[lane.kind].record(row) for row in group.group.rows]
                assert group.lost_lines == sum(record not in kept_records for record in records)


@pytest.mark.parametrize("case", stock_vectors("compaction"), ids=lambda case: case["name"])
def test_previews_of_real_stores_count_what_the_real_tool_left(case: dict[str, Any]) -> None:
    metadata = {name: content.encode() for name, content in case["metadata"].items()}
    for run in case["runs"]:
        metadata |= {name: content.encode() for name, content in run["added_before"].items()}
        options = CompactionOptions(
            run["epoch_ending_file_compact_factor"],
            run["state_snapshot_file_compact_factor"],
            run["transaction_file_compact_factor"],
            run["remove_compacted_file_after"],
        )
        shown = preview_compaction(snapshot_of(metadata), options, run["now"])
        check_against_outcome(shown, metadata)
        assert shown.files_after == len(run["metadata"])
        metadata = {name: content.encode() for name, content in run["metadata"].items()}


@settings(max_examples=examples(300), deadline=None)
@given(compacting_stores(), st.tuples(*[st.sampled_from([1, 2, 3, U64_MAX])] * 3), st.integers(0, 60))
def test_any_preview_agrees_with_the_outcome(metadata: Files, factors: tuple[int, int, int], now: int) -> None:
    shown = preview_compaction(snapshot_of(metadata), CompactionOptions(*factors, 5), now)
    check_against_outcome(shown, metadata)


def test_a_clean_store_shows_one_file_a_lane_and_no_hazard() -> None:
    shown = preview(base_store())
    assert [[group.group.name for group in lane] for lane in shown.lanes] == [
        ["epoch_ending_compacted_0-1.meta"],
        ["transaction_compacted_0-200.meta"],
        ["state_snapshot_compacted_epoch_0_1.meta"],
    ]
    assert shown.stop is None
    assert shown.hazards == ()
    assert (shown.files_before, shown.written, shown.files_after, shown.written_if_whole) == (8, 3, 12, 4)
    assert shown.timestamps_name == f"compaction_timestamps_{NOW}.meta"


def test_a_stop_is_shown_with_its_group_and_what_is_not_reached() -> None:
    entries = [txn(n * 10, n * 10 + 9) for n in range(12)]
    shown = preview(
        numbered(*entries, txn(75, 84, "other"), epoch(0, 0, 0, 0), state(0, 0)), CompactionOptions(5, 5, 5)
    )
    assert statuses(shown, LaneKind.EPOCH_ENDINGS) == [GroupStatus.OK]
    assert statuses(shown) == [GroupStatus.OK, GroupStatus.STOPS, GroupStatus.NOT_REACHED]
    assert statuses(shown, LaneKind.STATE_SNAPSHOTS) == [GroupStatus.NOT_REACHED]
    stopped = shown.lane(TXN)[1]
    assert (stopped.lines, stopped.good_lines, stopped.lost_lines) == (5, 3, 0)
    assert (shown.written, shown.files_after, shown.written_if_whole) == (2, 17, 6)
    assert shown.retired == ()


def test_the_lines_around_a_stop_say_what_was_expected_and_how_far_off_it_is() -> None:
    entries = [*(txn(n * 10, n * 10 + 9) for n in range(8)), txn(75, 84, "other"), txn(100, 109), txn(110, 119)]
    shown = preview(numbered(*entries))
    assert [(line.row, line.line, line.state, line.expected, line.offset) for line in shown.stop_lines] == [
        (5, 6, LineState.OK, 50, 0),
        (6, 7, LineState.OK, 60, 0),
        (7, 8, LineState.OK, 70, 0),
        (8, 9, LineState.STOPS, 80, -5),
        (9, 10, LineState.NOT_LOOKED_AT, 85, 15),
        (10, 11, LineState.NOT_LOOKED_AT, 110, 0),
    ]
    assert shown.stop is not None
    assert shown.stop.message == "txn backup ranges is not continuous expecting version 80, got 75."


def test_lines_around_a_stop_do_not_leave_its_group() -> None:
    shown = preview(numbered(txn(0, 9), txn(10, 19), txn(15, 24), txn(30, 39)), CompactionOptions(2, 2, 3))
    assert [line.line for line in shown.stop_lines] == [1, 2, 3]
    shown = preview(numbered(txn(0, 9), txn(10, 19), txn(20, U64_MAX)), ONE)
    assert [(line.line, line.expected, line.offset) for line in shown.stop_lines] == [(1, None, 0)]


def test_a_factor_of_zero_shows_a_stop_without_a_group() -> None:
    shown = preview(base_store(), CompactionOptions(transaction_factor=0))
    assert shown.stop is not None
    assert (list(shown.lane(TXN)), shown.stop_lines) == ([], ())
    assert hazards(shown)["compaction-factor-zero"] == 1


def test_a_second_run_finds_everything_written_and_has_nothing_to_do() -> None:
    store = compacted(base_store())
    shown = preview_compaction(snapshot_of(store), HUNDRED, NOW + 100)
    assert {status for lane in shown.lanes for status in (group.status for group in lane)} == {GroupStatus.EXISTS_EQUAL}
    assert (shown.written, shown.retired, shown.hazards) == (0, (), ())


def test_a_torn_file_is_seen_and_its_lost_lines_are_counted() -> None:
    store = base_store() | {"transaction_compacted_0-200.meta": lines(txn(0, 0))}
    shown = preview(store)
    assert statuses(shown) == [GroupStatus.EXISTS_OTHER]
    assert shown.lane(TXN)[0].lost_lines == 2
    assert hazards(shown) == {"partial-compacted-file": 1}


def test_an_empty_file_with_the_name_loses_the_whole_group() -> None:
    shown = preview(base_store() | {"transaction_compacted_0-200.meta": b""})
    assert (statuses(shown), shown.lane(TXN)[0].lost_lines) == ([GroupStatus.EXISTS_OTHER], 3)
    assert hazards(shown) == {"partial-compacted-file": 1}


def test_a_name_taken_by_the_other_side_of_a_conflict_is_a_collision() -> None:
    store = base_store() | {"transaction_compacted_0-0.meta": lines(txn(0, 0, "other"))}
    shown = preview(store, ONE)
    assert statuses(shown)[:2] == [GroupStatus.EXISTS_EQUAL, GroupStatus.EXISTS_OTHER]
    assert hazards(shown)["compacted-name-collision"] == 1


def test_with_factor_one_the_second_manifest_of_a_range_vanishes() -> None:
    shown = preview(base_store() | {"again.meta": lines(txn(1, 100, "zzz"))}, ONE)
    assert statuses(shown) == [GroupStatus.OK, GroupStatus.OK, GroupStatus.COLLIDES, GroupStatus.OK]
    assert [group.lost_lines for group in shown.lane(TXN)] == [0, 0, 1, 0]
    found = hazards(shown)
    assert (found["compacted-name-collision"], found["compaction-bakes-conflict"]) == (1, 1)
    collision = next(hazard for hazard in shown.hazards if hazard.id == "compacted-name-collision")
    assert (collision.lane, collision.groups) == (TXN, (2,))


@pytest.mark.parametrize(
    "content",
    [
        lines(txn(0, 0), txn(1, 100), txn(101, 200)).replace(b'":', b'" :'),
        lines(txn(0, 0), txn(1, 100), txn(101, 200)).replace(b"\n", b"\r\n"),
        lines(txn(0, 0), txn(1, 100), txn(101, 200))[:-1],
        lines(txn(1, 100), txn(0, 0), txn(101, 200)),
        lines(txn(0, 0), txn(0, 0), txn(1, 100), txn(101, 200)),
    ],
    ids=["spaces", "crlf", "no last line feed", "order", "a line twice"],
)
def test_the_same_entries_in_other_bytes_are_other_content_but_lose_nothing(content: bytes) -> None:
    shown = preview(base_store() | {"transaction_compacted_0-200.meta": content})
    assert (statuses(shown), shown.lane(TXN)[0].lost_lines) == ([GroupStatus.EXISTS_OTHER], 0)
    assert shown.hazards == ()


def test_unusual_but_canonical_text_is_still_equal_content() -> None:
    odd = txn(201, 300, "a\u2028b")
    store = base_store() | {"odd.meta": lines(odd)}
    shown = preview(compacted(store))
    assert statuses(shown) == [GroupStatus.EXISTS_EQUAL]


def test_an_overlap_on_a_border_is_baked_in_and_a_gap_is_not_seen() -> None:
    shown = preview(numbered(txn(0, 9), txn(10, 19), txn(15, 29), txn(30, 39), txn(50, 59)), CompactionOptions(2, 2, 2))
    assert shown.stop is None
    assert hazards(shown) == {"compaction-bakes-conflict": 1, "compaction-blind-gap": 1}


def test_a_border_at_the_group_that_stops_is_not_baked_in() -> None:
    shown = preview(numbered(txn(0, 9), txn(10, 19), txn(15, 29), txn(25, 39)), CompactionOptions(2, 2, 2))
    assert shown.stop is not None
    assert hazards(shown) == {"compaction-abort-midway": 1}


def test_an_extra_early_entry_shifts_all_borders() -> None:
    entries = [txn(n, n) for n in (0, 1, 2, 4, 5, 6, 7, 8)]
    store = compacted(numbered(*entries), CompactionOptions(3, 3, 3), NOW - 90_000)
    shown = preview(store | {"late.meta": lines(txn(3, 3))}, CompactionOptions(3, 3, 3))
    (found,) = shown.hazards
    assert (found.id, found.lane, found.count) == ("boundary-shift", TXN, 2)
    assert found.handles == ("metadata/transaction_compacted_4-6.meta", "metadata/transaction_compacted_7-8.meta")


def test_growth_at_the_end_is_no_shift() -> None:
    store = compacted(numbered(*(txn(n, n) for n in range(8))), CompactionOptions(3, 3, 3), NOW - 90_000)
    grown = store | {"new.meta": lines(txn(8, 8))}
    assert preview(grown, CompactionOptions(3, 3, 3)).hazards == ()


def test_files_past_their_grace_are_listed_with_the_reason() -> None:
    stamps = times(
        NOW - 90_000, {"metadata/transaction_0-0.meta": NOW - 90_000, "metadata/identity.meta": NOW - 90_000}
    )
    shown = preview(base_store() | stamps)
    assert shown.retired == (
        RetiredFile("metadata/identity.meta", NOW - 90_000, 3_600),
        RetiredFile("metadata/transaction_0-0.meta", NOW - 90_000, 3_600),
    )
    assert hazards(shown) == {"identity-evicted": 1}
    assert (shown.files_before, shown.files_after) == (9, 9 + 3 + 1 - 2)


def test_a_move_that_replaces_another_file_is_named() -> None:
    stamps = times(NOW - 90_000, {"metadata/transaction_0-0.meta": NOW - 90_000})
    store = base_store() | stamps
    same = {"transaction_0-0.meta": store["transaction_0-0.meta"]}
    assert hazards(preview(store, backup=same)) == {}
    assert hazards(preview(store, backup={"transaction_0-0.meta": b""})) == {"backup-dir-overwrite": 1}


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        (times(NOW - 90_000, {"metadata/gone.meta": NOW - 90_000}), {"compaction-wedge-missing-file"}),
        (times(NOW - 5, {"metadata/identity.meta": U64_MAX}), {"timestamps-overflow"}),
        (times(NOW + 5, {}), {"timestamps-future"}),
        (times(NOW, {}), {"timestamps-same-second"}),
        (times(5, {"metadata/transaction_0-0.meta": 5}), {"timestamps-back"}),
        (
            times(NOW - 5, {"metadata/identity.meta": 1_650_000_000} | {"../x": 1_650_000_000}),
            {"timestamps-foreign-handle", "identity-evicted"},
        ),
        (
            {"a.meta": lines(TimestampsRecord(NOW - 5, {})), **times(NOW - 5, {"metadata/identity.meta": NOW - 5})},
            {"timestamps-tie"},
        ),
        (EMPTY_MAP | times(NOW - 5, {}), set()),
    ],
    ids=["missing file", "overflow", "future", "same second", "1970", "foreign handle", "tie", "equal twins"],
)
def test_trouble_with_compaction_times_is_named(added: Files, expected: set[str]) -> None:
    shown = preview(base_store() | added)
    assert set(hazards(shown)) - {"compaction-abort-midway"} == expected


def test_a_run_that_dies_at_a_move_sets_nothing_aside_for_certain() -> None:
    stamps = {"metadata/gone.meta": NOW - 90_000, "metadata/identity.meta": NOW - 90_000}
    shown = preview(base_store() | times(NOW - 90_000, stamps))
    assert shown.retired == ()
    assert shown.run.aging.expired == ("metadata/identity.meta", "metadata/gone.meta")
    assert hazards(shown)["compaction-abort-midway"] == 3


def test_a_short_grace_and_a_factor_of_one_are_warned_of() -> None:
    shown = preview(base_store(), CompactionOptions(remove_compacted_after=0))
    assert hazards(shown) == {"compaction-factor-one": 2, "grace-too-short": 1}
    assert [hazard.lane for hazard in shown.hazards if hazard.id == "compaction-factor-one"] == [
        LaneKind.EPOCH_ENDINGS,
        TXN,
        LaneKind.STATE_SNAPSHOTS,
    ]


def test_an_empty_listing_is_warned_of_before_a_new_identity_is_written() -> None:
    shown = preview({})
    assert hazards(shown) == {"empty-listing-new-identity": 1}
    assert (shown.files_before, shown.files_after) == (0, 2)


def test_a_store_that_does_not_load_shows_the_reason_and_nothing_reached() -> None:
    shown = preview(base_store() | {"x.meta": b"{"})
    assert shown.stop is not None
    assert shown.stop.message == "EOF while parsing a value at line 1 column 1"
    assert statuses(shown) == [GroupStatus.NOT_REACHED]
    assert (shown.hazards, shown.files_after) == ((), 9)


def test_tallies_and_slices_agree_with_the_groups() -> None:
    lane = preview(base_store() | {"again.meta": lines(txn(1, 100, "zzz"))}, ONE).lane(TXN)
    assert lane.tally(GroupStatus.OK) == 3
    assert lane[1:3] == [lane[1], lane[2]]
    assert lane[-1] == lane[3]
    with pytest.raises(IndexError):
        lane[4]


def test_every_name_in_a_preview_is_one_that_stock_gives() -> None:
    for lane in preview(base_store(), ONE).lanes:
        for group in lane:
            parsed = parse_metadata_name(group.group.name)
            assert parsed is not None
            assert (parsed.kind, parsed.compacted, parsed.first) == (lane.kind, True, group.group.first)

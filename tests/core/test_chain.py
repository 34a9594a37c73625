"""Chains against the truth: every way through thousands of small random stores, written out one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from core.chain import (
    Chain,
    ChainOptions,
    Gap,
    GapKind,
    Policy,
    SkipReason,
    find_chain,
    gap_command,
    greatest_version,
    reason_text,
)
from core.chain.cost import MEASURES, Measure
from core.columns import Lane
from core.model import U64_MAX, LaneKind
from tests.support.lanes import Line, lane_of, transactions
from tests.support.soaking import sampled

Span = tuple[int, int]

#: How stock is told of the store.
STORAGE = ("--local-fs-dir", "/b/a store")


def spans(chain: Chain) -> list[Span]:
    return [(int(chain.lane.first[row]), int(chain.lane.last[row])) for row in chain.rows]


def lane_with(*ranges: Span, files: Sequence[Sequence[int]] | None = None) -> Lane:
    return transactions(*((first, last, f"m{index}") for index, (first, last) in enumerate(ranges)), files=files)


def reasons(chain: Chain) -> dict[str, SkipReason]:
    return {chain.lane.manifest(int(row)): SkipReason(int(chain.reason[row])) for row in chain.skipped()}


# The table of recovery.md ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ranges", "truth"),
    [
        ([(0, 0), (0, 1)], [(0, 1)]),
        ([(0, 499), (500, 599), (500, 999), (1000, 1999)], [(0, 499), (500, 999), (1000, 1999)]),
        ([(0, 4), (0, 9), (5, 19), (20, 29)], [(0, 4), (5, 19), (20, 29)]),
        ([(0, 9), (5, 7)], [(0, 9)]),
    ],
)
@pytest.mark.parametrize("policy", list(Policy))
def test_the_right_way_is_found_where_skipping_and_greedy_rules_go_wrong(
    ranges: list[Span], truth: list[Span], policy: Policy
) -> None:
    chain = find_chain(lane_with(*ranges), ChainOptions(policy=policy))
    assert spans(chain) == truth
    assert chain.complete
    assert chain.target == chain.reaches == truth[-1][1]
    assert chain.gaps == ()


def test_an_entry_inside_another_does_not_lower_the_default_target() -> None:
    chain = find_chain(lane_with((0, 9), (5, 7)))
    assert chain.target == 9
    assert greatest_version(chain.lane) == 9


# Brute force ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A random store, what is asked of it, and when its files were written."""

    lines: tuple[Line, ...]
    files: tuple[tuple[int, ...], ...]
    options: ChainOptions
    modified: tuple[float, ...]
    added: frozenset[Line]

    def lane(self) -> Lane:
        return transactions(*self.lines, files=self.files)

    def chain(self) -> Chain:
        lane = self.lane()
        return find_chain(lane, self.options, np.array(self.modified), np.flatnonzero(self.is_added(lane)))

    def is_added(self, lane: Lane) -> list[bool]:
        rows = range(len(lane))
        return [(int(lane.first[row]), int(lane.last[row]), lane.manifest(row)) in self.added for row in rows]


def random_case(seed: int) -> Case:
    dice = random.Random(seed)
    base = dice.choice([0, 0, 0, U64_MAX - dice.randrange(8, 25)])
    top = min(base + dice.randrange(3, 22), U64_MAX)
    handles = [f"h{number}" for number in range(dice.randrange(1, 9))]
    lines: list[Line] = []
    boundaries = sorted({base, *(dice.randrange(base, top + 1) for _ in range(dice.randrange(1, 8)))})
    for _ in range(dice.randrange(1, 12)):
        first, last = dice.choice(boundaries), dice.choice([*boundaries, top + 1]) - 1
        if dice.random() < 0.15:
            first, last = dice.randrange(base, top + 1), dice.randrange(base, top + 1)
        if dice.random() < 0.05:
            last = U64_MAX
        lines.append((first, max(0, last), dice.choice(handles)))
    count = len(lines)
    files = [tuple(dice.choices(range(count), k=dice.randrange(1, 4))) for _ in range(dice.randrange(4))]
    files += [tuple(range(at, min(count, at + dice.randrange(1, 5)))) for at in range(0, count, 2)]
    if dice.random() < 0.5:
        files = [(index,) for index in range(count)] + files[: dice.randrange(3)]
    files += [(index,) for index in range(count) if not any(index in file for file in files)]
    some = [frozenset(handle for handle in handles if dice.random() < chance) for chance in (0.2, 0.1, 0.2, 0.2)]
    options = ChainOptions(
        start=base if dice.random() < 0.9 else dice.choice(boundaries),
        target=dice.choice([None, None, dice.randrange(base, top + 1)]),
        policy=dice.choice(list(Policy)),
        pins=some[0] if dice.random() < 0.3 else frozenset(),
        vetoes=some[1] if dice.random() < 0.3 else frozenset(),
        broken=some[2] if dice.random() < 0.3 else frozenset(),
        unverified=some[3] if dice.random() < 0.3 else frozenset(),
    )
    modified = tuple(float(dice.randrange(50)) for _ in files)
    added = frozenset(line for line in lines if dice.random() < 0.2) if dice.random() < 0.3 else frozenset()
    return Case(tuple(lines), tuple(files), options, modified, added)


CASES = range(4_000)


class Truth:
    """All that can be known of a case by writing out every way, slowly and plainly."""

    def __init__(self, case: Case, lane: Lane) -> None:
        self.case, self.lane, self.options = case, lane, case.options
        self.first = [int(value) for value in lane.first]
        self.last = [int(value) for value in lane.last]
        self.handle = [lane.manifest(row) for row in range(len(lane))]
        self.added = case.is_added(lane)
        self.usable = [row for row in range(len(lane)) if self._is_usable(row)]
        ways = list(self._ways(self.options.start))
        self.furthest = max((self.last[way[-1]] + 1 for way in ways), default=None)
        target = self.options.target
        covering = [way for way in ways if target is not None and self.last[way[-1]] >= target]
        self.complete = bool(ways) if target is None else bool(covering)
        self.ways = covering or [way for way in ways if self.last[way[-1]] + 1 == self.furthest]

    def _is_usable(self, row: int) -> bool:
        options = self.options
        return (
            self.first[row] <= self.last[row] < U64_MAX
            and self.first[row] >= options.start
            and (options.target is None or self.first[row] <= options.target)
            and self.handle[row] not in options.vetoes
        )

    def _ways(self, boundary: int) -> Iterator[tuple[int, ...]]:
        for row in self.usable:
            if self.first[row] == boundary:
                yield (row,)
                for rest in self._ways(self.last[row] + 1):
                    yield (row, *rest)

    def cost(self, way: tuple[int, ...]) -> list[object]:
        """The measures of the policy in order, then the way itself: rows are in stock's order."""
        return [*(self._measure(measure, way) for measure in MEASURES[self.options.policy]), way]

    def _measure(self, measure: Measure, way: tuple[int, ...]) -> object:
        options = self.options
        return {
            Measure.PINS: lambda: -sum(self.handle[row] in options.pins for row in way),
            Measure.BROKEN: lambda: sum(self.handle[row] in options.broken for row in way),
            Measure.ADDED: lambda: sum(self.added[row] for row in way),
            Measure.UNVERIFIED: lambda: sum(self.handle[row] in options.unverified for row in way),
            Measure.CHANGES: lambda: self._changes(way),
            Measure.AGE: lambda: -sum(self._moments(row) for row in way),
            Measure.MANIFESTS: lambda: len(way),
        }[measure]()

    def _moments(self, row: int) -> float:
        limit = U64_MAX if self.options.target is None else self.options.target
        written = min(self.case.modified[file] for file in self._files_of(row))
        return (min(self.last[row], limit) + 1 - self.first[row]) * written

    def _files_of(self, row: int) -> set[int]:
        span = slice(int(self.lane.claim_start[row]), int(self.lane.claim_start[row + 1]))
        return {int(file) for file in self.lane.claim_file[span]}

    def _changes(self, way: tuple[int, ...]) -> tuple[int, int]:
        """How many files hold an entry besides the way (what lies above it stays), and how many lines they have.

        What is added is in no file of the store, so there is nothing to leave untouched.
        """
        assert self.furthest is not None
        dropped = [row for row in range(len(self.lane)) if row not in way and self._is_rejected(row)]
        nowhere = [row for row in range(len(self.lane)) if self.added[row]]
        files = {file for row in (*dropped, *nowhere) for file in self._files_of(row)}
        return len(files), sum(len(self.case.files[file]) for file in files)

    def _is_rejected(self, row: int) -> bool:
        if row in self.usable:
            return self.first[row] < (self.furthest or 0)
        options = self.options
        harmless = self.first[row] < options.start or (options.target is not None and self.first[row] > options.target)
        vetoed = self.handle[row] in options.vetoes
        return not harmless or vetoed or not self.first[row] <= self.last[row] < U64_MAX

    def missing(self) -> tuple[int, int] | None:
        """Where the chain ends and the boundary up to which something is missing behind it; None if nothing is."""
        goal = self.options.target
        if goal is None:
            goal = max((self.last[row] for row in self.usable), default=None)
        boundary = self.options.start if self.furthest is None else self.furthest
        return None if goal is None or boundary > goal else (boundary, goal + 1)

    def least_to_back_up(self, boundary: int, end: int) -> int:
        """How many versions from `boundary` on no way can do without."""
        cost = {boundary: 0}
        for at in range(boundary, end):
            here = cost[at]
            cost[at + 1] = min(cost.get(at + 1, here + 1), here + 1)
            for row in self.usable:
                if self.first[row] == at:
                    to = min(self.last[row] + 1, end)
                    cost[to] = min(cost.get(to, here), here)
        return cost[end]


@pytest.mark.parametrize("block", sampled(range(0, len(CASES), 500)))
def test_the_chain_is_the_best_of_all_ways_written_out(block: int) -> None:
    proven = 0
    for seed in CASES[block : block + 500]:
        case = random_case(seed)
        chain = case.chain()
        truth = Truth(case, chain.lane)
        assert chain.complete == truth.complete, seed
        assert chain.reaches == (None if not truth.ways else chain.lane.last[chain.rows[-1]]), seed
        if not truth.ways:
            assert not len(chain.rows), seed
            continue
        mine, best = truth.cost(tuple(chain.rows.tolist())), min(truth.cost(way) for way in truth.ways)
        measures = MEASURES[case.options.policy]
        if Measure.CHANGES in measures and not chain.proven_minimal:
            before = measures.index(Measure.CHANGES)
            mine, best = mine[:before], best[:before]
        proven += chain.proven_minimal
        assert mine == best, seed
        assert tuple(chain.rows.tolist()) in truth.ways, seed
    assert proven > 250


@pytest.mark.parametrize("block", sampled(range(0, len(CASES), 1000)))
def test_every_entry_left_out_has_the_reason_that_is_true_of_it(block: int) -> None:
    seen = set()
    for seed in CASES[block : block + 1000]:
        case = random_case(seed)
        chain = case.chain()
        truth = Truth(case, chain.lane)
        on_a_way = {row for way in truth.ways for row in way}
        for row, reason in enumerate(map(SkipReason, chain.reason.tolist())):
            seen.add(reason)
            assert (reason is SkipReason.CHOSEN) == (row in chain.rows), seed
            if reason is SkipReason.BROKEN and truth.handle[row] in case.options.vetoes & case.options.broken:
                assert row not in truth.usable, seed
                continue
            assert (row in truth.usable) == (reason is SkipReason.CHOSEN or reason >= SkipReason.NOT_REACHED), seed
            if reason >= SkipReason.NOT_REACHED:
                free = reason in (
                    SkipReason.SAME_RANGE,
                    SkipReason.OTHER_CHOSEN,
                    SkipReason.BROKEN,
                    SkipReason.PIN_EXCLUDED,
                )
                assert free == (row in on_a_way), seed
                behind = truth.furthest is None or truth.first[row] >= truth.furthest
                assert (reason is SkipReason.NOT_REACHED) == behind, seed
            assert reason_text(chain, row), seed
    assert seen == set(SkipReason) - {SkipReason.NOT_NEEDED}


@pytest.mark.parametrize("block", sampled(range(0, len(CASES), 1000)))
def test_the_gaps_are_the_fewest_versions_and_filling_them_completes_the_chain(block: int) -> None:
    for seed in CASES[block : block + 1000]:
        case = random_case(seed)
        chain = case.chain()
        truth = Truth(case, chain.lane)
        missing = truth.missing()
        if missing is None or (chain.complete and case.options.target is not None):
            assert chain.gaps == (), seed
            assert chain.gap_count == 0, seed
            assert chain.resumes_at is None, seed
            continue
        boundary, end = missing
        assert chain.gap_count == len(chain.gaps) > 0, seed
        size = sum(gap.last + 1 - gap.first for gap in chain.gaps)
        assert size == truth.least_to_back_up(boundary, end), seed
        for gap in chain.gaps:
            covered = [
                any(truth.first[row] <= version <= truth.last[row] for row in truth.usable)
                for version in range(gap.first, gap.last + 1)
            ]
            assert all(covered) if gap.kind is GapKind.NO_JOIN else not any(covered), seed
        leading = [
            start for start in range(boundary, end) if any(truth.last[way[-1]] + 1 >= end for way in truth._ways(start))
        ]
        assert chain.resumes_at == min(leading, default=None), seed
        if end > U64_MAX:
            continue  # nothing that ends at the last version is usable
        filled = tuple((gap.first, gap.last, f"again {gap.first}") for gap in chain.gaps)
        options = replace(case.options, target=end - 1)
        assert find_chain(transactions(*case.lines, *filled), options).complete, seed


def test_the_answer_does_not_depend_on_the_order_of_files_or_lines() -> None:
    dice = random.Random(7)
    for seed in CASES[:1500]:
        case = random_case(seed)
        lines = dice.sample(range(len(case.lines)), len(case.lines))
        files = dice.sample(range(len(case.files)), len(case.files))
        new_place = {old: new for new, old in enumerate(lines)}
        mixed = Case(
            tuple(case.lines[old] for old in lines),
            tuple(tuple(new_place[index] for index in reversed(case.files[old])) for old in files),
            case.options,
            tuple(case.modified[old] for old in files),
            case.added,
        )
        one, other = case.chain(), mixed.chain()
        assert one.rows.tolist() == other.rows.tolist(), seed
        assert one.reason.tolist() == other.reason.tolist(), seed
        assert one.gaps == other.gaps, seed
        assert one.proven_minimal == other.proven_minimal, seed


def test_as_many_pins_are_used_as_any_chain_can_and_the_others_are_named() -> None:
    met = broken = 0
    for seed in CASES:
        case = random_case(seed)
        if not case.options.pins:
            continue
        chain = case.chain()
        truth = Truth(case, chain.lane)
        used = {chain.lane.manifest(int(row)) for row in chain.rows}
        pins = case.options.pins & set(truth.handle)
        assert set(chain.unused_pins) == pins - used, seed
        possible = {truth.handle[row] for way in truth.ways for row in way} & pins
        assert set(chain.contradicted) == possible - used, seed
        met += bool(pins & used)
        broken += bool(chain.contradicted)
    assert met > 100
    assert broken > 5


# Numbers at the edge --------------------------------------------------------------------------------------------------


def test_an_entry_that_ends_at_the_last_version_is_never_taken_because_stock_panics_on_it() -> None:
    chain = find_chain(lane_with((0, 99), (100, U64_MAX), (100, 199)))
    assert spans(chain) == [(0, 99), (100, 199)]
    assert reasons(chain) == {"m1": SkipReason.ENDS_AT_LIMIT}
    assert chain.complete
    assert chain.gaps == ()
    assert greatest_version(chain.lane) == 199


def test_a_chain_may_end_right_below_the_last_version() -> None:
    chain = find_chain(lane_with((0, 2**63), (2**63 + 1, U64_MAX - 1)))
    assert len(chain.rows) == 2
    assert chain.reaches == U64_MAX - 1


def test_a_gap_up_to_the_last_version_gives_a_command_that_stock_can_parse() -> None:
    chain = find_chain(lane_with((0, 9)), ChainOptions(target=U64_MAX))
    assert chain.gaps == (Gap(LaneKind.TRANSACTIONS, 10, U64_MAX, GapKind.GAP),)
    assert f"--num_transactions {U64_MAX - 9} " in str(gap_command(chain.gaps[0], STORAGE))
    whole = Gap(LaneKind.EPOCH_ENDINGS, 0, U64_MAX, GapKind.GAP)
    assert f"--end-epoch {U64_MAX} " in str(gap_command(whole, STORAGE))


def test_an_empty_lane_has_no_chain_and_nothing_missing() -> None:
    chain = find_chain(transactions())
    assert (len(chain.rows), chain.complete, chain.reaches, chain.target, chain.gaps) == (0, False, None, None, ())
    assert greatest_version(chain.lane) is None


def test_a_lane_of_nothing_but_inverted_entries_has_no_chain() -> None:
    chain = find_chain(lane_with((5, 3), (U64_MAX, 0)))
    assert not chain.complete
    assert set(reasons(chain).values()) == {SkipReason.INVERTED}


# Gaps and words -------------------------------------------------------------------------------------------------------


def test_a_missing_range_is_a_gap_with_the_stock_command_that_backs_it_up() -> None:
    chain = find_chain(lane_with((0, 99), (200, 299)), ChainOptions(target=250))
    assert not chain.complete
    assert (chain.reaches, chain.resumes_at) == (99, 200)
    assert chain.gaps == (Gap(LaneKind.TRANSACTIONS, 100, 199, GapKind.GAP),)
    assert str(gap_command(chain.gaps[0], STORAGE)) == (
        "aptos-db-tool backup oneoff transaction --start-version 100 --num_transactions 100 --local-fs-dir '/b/a store'"
    )


def test_covered_versions_that_do_not_join_are_told_apart_from_a_gap() -> None:
    chain = find_chain(lane_with((0, 9), (5, 14), (20, 30)))
    assert chain.gaps == (
        Gap(LaneKind.TRANSACTIONS, 10, 14, GapKind.NO_JOIN),
        Gap(LaneKind.TRANSACTIONS, 15, 19, GapKind.GAP),
    )
    assert chain.resumes_at == 20


def test_a_missing_epoch_is_backed_up_with_the_end_excluded() -> None:
    lane = lane_of(LaneKind.EPOCH_ENDINGS, [(0, 1, "a"), (3, 3, "b")])
    chain = find_chain(lane)
    assert chain.reaches == 1
    assert str(gap_command(chain.gaps[0], ("--command-adapter-config", "adapter.yaml"))) == (
        "aptos-db-tool backup oneoff epoch-ending --start-epoch 2 --end-epoch 3 --command-adapter-config adapter.yaml"
    )


def test_thousands_of_gaps_are_counted_and_only_the_first_are_listed() -> None:
    lane = transactions(*((4 * number, 4 * number + 1, f"m{number}") for number in range(5_000)))
    chain = find_chain(lane)
    assert chain.gap_count == 4_999
    assert len(chain.gaps) == 1_000
    assert chain.gaps[0] == Gap(LaneKind.TRANSACTIONS, 2, 3, GapKind.GAP)


def test_an_overlap_is_told_with_what_was_expected_what_came_and_which_manifest_is_used() -> None:
    lane = transactions((0, 999, "a"), (1000, 1999, "b"), (1500, 1599, "c"), (2000, 2999, "d"))
    chain = find_chain(lane)
    (overlap,) = chain.overlaps()
    assert (overlap.expected, overlap.got) == (2000, 1500)
    assert overlap.manifests == ("b", "c")
    assert overlap.used == "b"
    assert reason_text(chain, overlap.row) == (
        "starts inside the chosen 1,000 - 1,999; expected 2,000, got 1,500; no way leads to where it begins"
    )


def test_every_entry_passed_over_inside_the_chain_is_an_overlap_with_its_cover() -> None:
    for seed in CASES[:1000]:
        chain = random_case(seed).chain()
        for overlap in chain.overlaps():
            first, last = chain.lane.first, chain.lane.last
            assert overlap.got == first[overlap.row], seed
            assert first[overlap.used_row] <= overlap.got <= last[overlap.used_row], seed
            assert overlap.expected == int(last[overlap.used_row]) + 1, seed
            assert overlap.used_row in overlap.rows, seed
            assert all(first[row] <= overlap.got <= last[row] for row in overlap.rows), seed


def test_the_two_manifests_of_one_range_are_told_apart() -> None:
    chain = find_chain(transactions((0, 999, "B"), (0, 999, "A"), (1000, 1999, "C")))
    assert [chain.lane.manifest(int(row)) for row in chain.rows] == ["A", "C"]
    assert reasons(chain) == {"B": SkipReason.SAME_RANGE}
    assert reason_text(chain, 1) == "another manifest is chosen for the same 0 - 999; expected 1,000, got 0"


# Policies -------------------------------------------------------------------------------------------------------------


def chosen(lane: Lane, modified: Sequence[float] | None = None, **options: object) -> str:
    chain = find_chain(lane, ChainOptions(**options), None if modified is None else np.array(modified))  # type: ignore[arg-type]
    assert chain.complete
    return "".join(chain.lane.manifest(int(row)) for row in chain.rows)


def test_a_broken_manifest_is_avoided_where_there_is_another_way() -> None:
    lane = transactions((0, 9, "a"), (0, 9, "b"), (10, 19, "c"))
    assert chosen(lane) == "ac"
    assert chosen(lane, broken=frozenset({"a", "c"})) == "bc"
    assert chosen(lane, unverified=frozenset({"a"})) == "bc"


def test_a_pin_decides_and_a_veto_forbids() -> None:
    lane = transactions((0, 9, "a"), (0, 9, "b"))
    assert chosen(lane, pins=frozenset({"b"})) == "b"
    assert chosen(lane, pins=frozenset({"b"}), broken=frozenset({"b"})) == "b"
    assert chosen(lane, vetoes=frozenset({"a"})) == "b"
    assert find_chain(lane, ChainOptions(vetoes=frozenset({"a", "b"}))).reaches is None


def test_two_pins_for_one_range_contradict_each_other_and_it_is_said_so() -> None:
    lane = transactions((0, 9, "a"), (0, 9, "b"), (10, 19, "c"))
    chain = find_chain(lane, ChainOptions(pins=frozenset({"a", "b", "c", "elsewhere"})))
    assert chain.contradicted == ("b",)
    assert chain.unused_pins == ("b",)
    assert reasons(chain) == {"b": SkipReason.PIN_EXCLUDED}


def test_longest_takes_the_fewest_manifests_and_stock_like_the_smallest_first() -> None:
    lane = transactions((0, 4, "a"), (5, 9, "b"), (0, 9, "c"))
    assert chosen(lane, policy=Policy.LONGEST) == "c"
    assert chosen(lane, policy=Policy.STOCK_LIKE) == "ab"
    assert chosen(lane, policy=Policy.FIRST_ENCOUNTERED) == "ab"


def test_first_encountered_takes_the_earliest_entry_even_if_it_is_broken() -> None:
    lane = transactions((0, 9, "a"), (0, 9, "b"))
    assert chosen(lane, policy=Policy.FIRST_ENCOUNTERED, broken=frozenset({"a"})) == "a"
    assert chosen(lane, policy=Policy.STOCK_LIKE, broken=frozenset({"a"})) == "b"


def test_newest_goes_by_the_oldest_file_that_holds_the_line_because_compaction_copies_lines() -> None:
    lane = transactions((0, 9, "a"), (0, 9, "b"), files=[[0], [1], [0]])
    assert chosen(lane, modified=[100.0, 200.0, 300.0], policy=Policy.NEWEST) == "b"
    assert chosen(lane, modified=[200.0, 100.0, 300.0], policy=Policy.NEWEST) == "a"


def test_newest_weighs_each_version_and_not_each_entry() -> None:
    lane = transactions((0, 9, "a"), (0, 1, "b"), (2, 9, "c"))
    assert chosen(lane, modified=[100.0, 150.0, 90.0], policy=Policy.NEWEST) == "bc"
    assert chosen(lane, modified=[110.0, 150.0, 90.0], policy=Policy.NEWEST) == "a"


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_a_hostile_file_time_does_not_break_newest(moment: float) -> None:
    lane = transactions((0, 9, "a"), (0, 9, "b"))
    assert chosen(lane, modified=[moment, 5.0], policy=Policy.NEWEST) in {"a", "b"}


# Fewest changes -------------------------------------------------------------------------------------------------------


def test_the_file_with_ninety_nine_good_lines_is_kept_and_the_single_line_goes() -> None:
    good = [(10 * number, 10 * number + 9, f"good{number:02}") for number in range(100)]
    lane = transactions(*good, (500, 509, "again"), files=[list(range(100)), [100]])
    chain = find_chain(lane, ChainOptions(policy=Policy.FEWEST_CHANGES))
    assert reasons(chain) == {"again": SkipReason.SAME_RANGE}
    assert chain.proven_minimal


def test_a_run_of_one_file_is_kept_whole_although_one_longer_entry_would_do() -> None:
    lane = transactions((0, 9, "a"), (10, 19, "b"), (20, 29, "c"), (10, 29, "z"), files=[[0, 1, 2], [3]])
    chain = find_chain(lane)
    assert [chain.lane.manifest(int(row)) for row in chain.rows] == ["a", "b", "c"]
    assert chain.proven_minimal


def test_a_file_that_holds_both_sides_is_lost_anyway_and_speaks_for_neither() -> None:
    lane = transactions((0, 9, "a"), (0, 9, "b"), (10, 19, "c"), (10, 19, "d"), files=[[0, 1, 2], [3], [0, 1]])
    chain = find_chain(lane)
    assert [chain.lane.manifest(int(row)) for row in chain.rows] == ["a", "d"]
    assert chain.proven_minimal


def test_runs_inside_runs_are_counted_exactly() -> None:
    steps = [(10 * number, 10 * number + 9, f"s{number}") for number in range(4)]
    lane = transactions(*steps, (0, 39, "whole"), (0, 19, "half"), files=[[0, 1, 2, 3], [1, 2], [2], [4], [5], [4, 5]])
    chain = find_chain(lane)
    assert spans(chain) == [(0, 9), (10, 19), (20, 29), (30, 39)]
    assert chain.proven_minimal


@pytest.mark.parametrize(
    "files",
    [
        [[0, 1], [1, 2], [3], [4]],
        [[0, 2], [1], [3], [4]],
        [[0, 5], [1], [2], [3], [4], [6]],
    ],
    ids=["runs that cross", "a hole in a file", "a file in two zones"],
)
def test_what_is_not_proven_minimal_is_not_said_to_be(files: list[list[int]]) -> None:
    lane = lane_with((0, 9), (10, 19), (20, 29), (0, 29), (10, 29), (30, 39), (30, 39), files=[*files, [5], [6]])
    assert not find_chain(lane).proven_minimal


def test_without_a_choice_every_policy_changes_the_fewest_files() -> None:
    for policy in Policy:
        assert find_chain(lane_with((0, 9), (5, 7), (10, 19)), ChainOptions(policy=policy)).proven_minimal
    assert not find_chain(lane_with((0, 9), (0, 9)), ChainOptions(policy=Policy.STOCK_LIKE)).proven_minimal

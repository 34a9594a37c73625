"""Why a choice of the operator is not followed, in words with numbers; and what a choice that is followed costs."""

from __future__ import annotations

import pytest

from core.model import Record
from core.recovery import Recovery, choice_sentences, plan_recovery
from core.restore import RestoreOptions
from tests.support.recoverable_stores import RecoverableStore
from tests.support.recoveries import old_snapshot
from tests.support.stores import IdentityRecord, epoch, lines, reader_of, state, txn

BASE = (IdentityRecord("ab" * 32), epoch(0, 0, 0, 0), epoch(1, 1, 40, 40), state(0, 0, "s0"))


def recovery(*records: Record, retired: tuple[Record, ...] = (), **options: object) -> Recovery:
    """The recovery of a store of these lines under some choices."""
    metadata = {"all.meta": lines(*BASE, *records)}
    backup = {"old.meta": lines(*retired)} if retired else {}
    reader, snapshot = reader_of(metadata, backup), old_snapshot(metadata, backup)
    sets = {name: frozenset(value) if isinstance(value, set) else value for name, value in options.items()}
    return plan_recovery(reader, snapshot, RestoreOptions(**sets))  # type: ignore[arg-type]


def why(found: Recovery) -> dict[str, str]:
    return {each.manifest: each.reason for each in (*found.unused_pins, *found.unused_vetoes)}


CHAIN = (txn(0, 9, "a"), txn(10, 19, "b"), txn(20, 29, "c"))


@pytest.mark.parametrize(
    ("records", "pin", "reason"),
    [
        ((*CHAIN, txn(5, 9, "x")), "x", "no chain leads through it: none gets to version 5, where it begins"),
        (
            (*CHAIN, txn(10, 14, "x")),
            "x",
            "no chain leads through it to version 29: nothing leads on from version 15, where it ends",
        ),
        ((*CHAIN, txn(40, 49, "x")), "x", "it lies beyond what any chain reaches, version 29"),
        ((*CHAIN, txn(19, 12, "x")), "x", "it ends before it begins: 19 - 12"),
        (CHAIN, "x", "it names no manifest of this store"),
        (
            (*CHAIN, state(1, 40, "x")),
            "x",
            "it is at version 40, above 29, as far as a restore gets",
        ),
    ],
)
def test_a_pin_that_can_not_be_used_says_why(records: tuple[Record, ...], pin: str, reason: str) -> None:
    assert why(recovery(*records, pins={pin})) == {pin: reason}


def test_of_two_pins_that_exclude_each_other_one_is_unused() -> None:
    found = why(recovery(*CHAIN, txn(10, 19, "x"), pins={"b", "x"}))
    assert list(found.values()) == ["no chain leads through all that you chose"]
    both = why(recovery(*CHAIN, txn(30, 40, "d"), state(1, 40, "y"), state(1, 30, "z"), pins={"y", "z"}))
    assert list(both) == ["z"] and "only one can be kept" in both["z"]


def test_a_pin_that_only_a_retired_line_names_says_so() -> None:
    found = why(recovery(*CHAIN, retired=(txn(10, 19, "old"),), pins={"old"}))
    assert found == {"old": "only metadata_backup/ still names it, and nothing that it holds is missing"}


def test_pins_that_are_followed_and_vetoes_that_are_heeded_are_not_told() -> None:
    assert why(recovery(*CHAIN, txn(10, 19, "x"), pins={"x"}, vetoes={"b"})) == {}


def test_a_veto_that_names_nothing_is_told() -> None:
    assert why(recovery(*CHAIN, vetoes={"nothing"})) == {"nothing": "it names no manifest of this store"}


def test_what_a_veto_costs_is_told_from_what_to_what() -> None:
    found = recovery(*CHAIN, vetoes={"c", "zzz"}, pins={"a"})
    [cost] = found.costs
    assert (cost.manifests, cost.without, cost.reached) == (("c",), 29, 19)
    assert choice_sentences(found)[-1] == "c: the chain reaches 29 without this choice, 19 with it."
    [together] = recovery(*CHAIN, vetoes={"b", "c"}).costs
    assert (together.manifests, together.without, together.reached) == (("b",), 19, 9)


def test_a_pin_on_a_broken_manifest_costs_reach_and_says_so() -> None:
    store = RecoverableStore()
    store.put_base(())
    broken = store.back_up(10, 19, "bbbb", lost=[0])
    store.put("metadata/all.meta", store.back_up(0, 9, "0000"), store.back_up(10, 19, "aaaa"), broken)
    engine = store.engine()
    found = engine.plan_recovery(engine.look(), RestoreOptions(pins=frozenset({broken.manifest})))
    [cost] = found.costs
    assert (cost.manifests, cost.without, cost.reached) == ((broken.manifest,), 19, 9)

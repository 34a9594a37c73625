"""Triage: a note on a zone lasts as long as the conflict is the same, and changes nothing but the list of problems."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.findings import Case, find, group
from core.model import Finding, LaneKind, Record, Severity, Zone
from core.snapshot import Snapshot
from core.triage import (
    MAX_HANDLES,
    MAX_NOTES,
    MAX_REASON_CHARS,
    OPEN,
    Standing,
    Triage,
    TriageNotes,
    ZoneState,
)
from tests.support.change_sets import base_folder, engine_on
from tests.support.stores import NOW, base_store, epoch, lines, snapshot_of, state, txn

TXN = LaneKind.TRANSACTIONS
A, B = "transaction_1-.aaaa/transaction.manifest", "transaction_1-.bbbb/transaction.manifest"


def zones_of(snapshot: Snapshot) -> tuple[Zone, ...]:
    return group(find(Case(snapshot, NOW + 9_000), 1), snapshot)


def zones(*extra: Record, **files: bytes) -> tuple[Zone, ...]:
    """The zones of base store B with more lines in one file; `__` in the name of a further file stands for a dot."""
    more = {name.replace("__", "."): content for name, content in files.items()}
    return zones_of(snapshot_of({**base_store(), "extra.meta": lines(*extra), **more}))


def txn_zone(*extra: Record, **files: bytes) -> Zone:
    [zone] = [zone for zone in zones(*extra, **files) if zone.lane is TXN]
    return zone


CONFLICT = txn(1, 100, B)


# By what a zone is known again


def test_a_zone_is_the_same_when_entries_come_behind_it() -> None:
    before = txn_zone(CONFLICT)
    assert before.id.startswith("txn:overlap-manifest:1-100:")
    assert txn_zone(CONFLICT, txn(201, 300), txn(301, 400)).id == before.id


def test_a_zone_is_the_same_when_its_lines_move_to_other_files_or_are_spelled_otherwise() -> None:
    before = txn_zone(CONFLICT)
    whole = lines(txn(0, 0), txn(1, 100), CONFLICT, txn(101, 200))
    assert txn_zone(CONFLICT, transaction_compacted_0_200__meta=whole).id == before.id
    spelled = b'{"TransactionBackup": {"manifest": "' + B.encode() + b'", "last_version": 100, "first_version": 1}}\n'
    [zone] = [zone for zone in zones_of(snapshot_of({**base_store(), "x.meta": spelled})) if zone.lane is TXN]
    assert zone.id == before.id


@pytest.mark.parametrize(
    "other",
    [
        [txn(1, 100, "c")],
        [CONFLICT, txn(1, 100, "c")],
        [CONFLICT, txn(101, 200, "c")],
        [txn(1, 50, B)],
        [txn(0, 0, B)],
    ],
)
def test_a_conflict_that_changed_is_another_zone(other: list[Record]) -> None:
    assert txn_zone(*other).id != txn_zone(CONFLICT).id


def test_a_change_beyond_what_a_finding_shows_is_seen() -> None:
    """Findings hold fifty entries at most; the id is of all of them."""
    again = [txn(number * 10, number * 10 + 9, side) for number in range(200) for side in "ab"]
    ids = {
        zone.id
        for last in "bc"
        for zone in zones_of(snapshot_of({"t.meta": lines(*again[:-1], replace(again[-1], manifest=last))}))
        if zone.lane is TXN and zone.first == 0
    }
    assert len(ids) == 2


def test_zones_of_every_sort_have_ids_of_their_own() -> None:
    many = zones(CONFLICT, epoch(1, 1, 100, 100, "b"), state(1, 100, "b"), notes__txt=b"hello\n", x__meta=b"{}\n")
    ids = [zone.id for zone in many]
    assert len(set(ids)) == len(ids) >= 5
    assert all(id_.split(":")[0] in {kind.short for kind in LaneKind} for id_ in ids)


def test_a_problem_of_files_is_known_by_the_files() -> None:
    def noted(**files: bytes) -> set[str]:
        return {zone.id for zone in zones_of(snapshot_of({**base_store(), **files})) if zone.lane is LaneKind.FILES}

    [one] = noted(notes=b"hello\n")
    assert noted(notes=b"hello\n", more=b"hello\n") > {one}
    assert noted(other=b"hello\n") != {one}


def test_another_cause_with_the_same_entries_is_another_zone() -> None:
    texts = {"explanation": "", "cause": "", "next_step": ""}
    snapshot = snapshot_of(base_store())
    ids = {
        group([Finding("x", kind, Severity.ERROR, TXN, 1, 100, **texts)], snapshot)[0].id
        for kind in ("dangling-manifest", "chunk-truncated")
    }
    assert len(ids) == 2


small = st.integers(0, 11)
ranges = st.tuples(small, st.integers(-1, 5), st.sampled_from("abc"))
entries = st.lists(ranges.map(lambda parts: txn(parts[0], max(0, parts[0] + parts[1]), parts[2])), max_size=8)


@given(entries)
def test_whatever_is_behind_all_entries_leaves_all_zones_of_conflicts_known(records: list[Record]) -> None:
    def known(*more: Record) -> set[str]:
        found = zones_of(snapshot_of({"a.meta": lines(*records, *more)}))
        return {
            zone.id
            for zone in found
            if zone.lane is TXN and zone.last is not None and zone.last < 30 and zone.severity is not Severity.INFO
        }

    behind = (txn(40, 49), txn(50, 59))
    assert known(*behind) == known(*behind, txn(60, 69), txn(70, 79))


# Notes


def test_a_zone_is_open_until_something_is_decided() -> None:
    zone = txn_zone(CONFLICT)
    triage = Triage()
    assert triage.state_of(zone, NOW) is OPEN
    decided = triage.decide(zone, pins=[A], vetoes=[B])
    assert decided.state_of(zone, NOW) == ZoneState(Standing.DECIDED, frozenset({A}), frozenset({B}))
    assert triage.state_of(zone, NOW) is OPEN
    assert decided.reopen(zone) == triage
    assert decided.decide(zone) == triage


def test_an_ignored_zone_comes_back_when_its_time_is_over() -> None:
    zone = txn_zone(CONFLICT)
    triage = Triage().ignore(zone, "vendor is asked", until=NOW + 60)
    assert triage.state_of(zone, NOW + 59).standing is Standing.IGNORED
    assert triage.state_of(zone, NOW + 59).reason == "vendor is asked"
    assert triage.state_of(zone, NOW + 60) is OPEN
    assert Triage().ignore(zone, "known").state_of(zone, 1e18).standing is Standing.IGNORED


def test_an_ignored_zone_comes_back_when_its_conflict_changed() -> None:
    triage = Triage().ignore(txn_zone(CONFLICT), "known")
    assert triage.state_of(txn_zone(CONFLICT, txn(201, 300)), NOW).standing is Standing.IGNORED
    assert triage.state_of(txn_zone(CONFLICT, txn(1, 100, "c")), NOW) is OPEN


def test_the_last_word_on_a_zone_counts() -> None:
    zone = txn_zone(CONFLICT)
    assert Triage().ignore(zone, "later").decide(zone, pins=[A]).state_of(zone, NOW).standing is Standing.DECIDED
    assert Triage().decide(zone, pins=[A]).ignore(zone, "later").pins([zone]) == frozenset()


def test_pins_and_vetoes_are_those_of_zones_that_are_still_there() -> None:
    here, gone = txn_zone(CONFLICT), txn_zone(txn(101, 200, "z"))
    triage = Triage().decide(here, pins=[A], vetoes=[B]).decide(gone, pins=["z"])
    assert triage.pins([here]) == {A}
    assert triage.vetoes([here]) == {B}
    assert triage.pins([]) == triage.vetoes([gone]) == frozenset()
    assert triage.pins([here, gone]) == {A, "z"}


def test_what_is_ignored_comes_last_and_nothing_is_hidden() -> None:
    found = zones(txn(0, 0, "b"), txn(101, 200, "b"), epoch(1, 1, 100, 100, "b"))
    worst, second, third = found[:3]
    triage = Triage().ignore(worst, "known", until=NOW + 60).decide(second, pins=["b"])
    assert triage.in_order(found, NOW) == (third, *found[3:], second, worst)
    assert triage.in_order(found, NOW + 60) == (worst, third, *found[3:], second)


def test_only_so_much_is_kept() -> None:
    zone = txn_zone(CONFLICT)
    many = [replace(zone, id=f"zone {number}") for number in range(MAX_NOTES + 5)]
    triage = Triage()
    for each in many:
        triage = triage.ignore(each, "x" * 10_000)
    assert len(triage.notes) == MAX_NOTES
    assert triage.state_of(many[4], NOW) is OPEN
    assert triage.state_of(many[-1], NOW).reason == "x" * MAX_REASON_CHARS
    big = ["y" * 1_000_000]
    for each in many[:6]:
        triage = triage.decide(each, pins=big)
    assert [triage.state_of(each, NOW).standing for each in many[:6]].count(Standing.DECIDED) == 3
    for too_many in ([str(number) for number in range(MAX_HANDLES + 1)], ["y" * 3_000_000]):
        with pytest.raises(UsageError, match="more pins"):
            triage.decide(zone, vetoes=too_many)


# Kept outside the store


@pytest.fixture
def notes(tmp_path: Path) -> TriageNotes:
    return TriageNotes(tmp_path / "state" / "triage")


def test_notes_last_and_each_store_has_its_own(notes: TriageNotes, tmp_path: Path) -> None:
    zone, other = txn_zone(CONFLICT), txn_zone(txn(0, 0, "b"))
    triage = Triage().decide(zone, [A], [B]).ignore(other, "ignored \x1b[31m \udcff [b]", until=NOW + 0.5)
    assert notes.load(str(tmp_path)) == Triage()
    assert notes.save(str(tmp_path), triage)
    assert notes.load(str(tmp_path)) == triage
    assert notes.load(str(tmp_path / "elsewhere")) == Triage()
    (tmp_path / "link").symlink_to(tmp_path)
    assert notes.load(str(tmp_path / "link")) == triage
    [path] = notes.folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert notes.folder.stat().st_mode & 0o777 == 0o700


def test_the_order_of_notes_lasts_so_that_the_oldest_go_first(notes: TriageNotes, tmp_path: Path) -> None:
    zone = txn_zone(CONFLICT)
    triage = Triage()
    for number in (2, 1, 3):
        triage = triage.ignore(replace(zone, id=str(number)), "")
    triage = triage.ignore(replace(zone, id="2"), "again")
    notes.save(str(tmp_path), triage)
    assert list(notes.load(str(tmp_path)).notes) == ["1", "3", "2"]


def test_looking_and_loading_write_nothing(notes: TriageNotes, tmp_path: Path) -> None:
    store = base_folder(tmp_path / "store")
    engine = engine_on(store)
    triage = notes.load(str(store))
    triage.in_order(engine.check(engine.look()).zones, NOW)
    assert not notes.folder.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"v":2}', b"null", b"1e999", b'{"v":1,"store":7,"notes":{}}'],
    ids=range(9),
)
def test_damaged_notes_are_none(content: bytes, notes: TriageNotes, tmp_path: Path) -> None:
    notes.save(str(tmp_path), Triage().ignore(txn_zone(CONFLICT), "x"))
    [path] = notes.folder.iterdir()
    path.write_bytes(content)
    assert notes.load(str(tmp_path)) == Triage()


@pytest.mark.parametrize(
    "note",
    [
        None,
        [],
        "ignored",
        {},
        {"standing": "open"},
        {"standing": "decided"},
        {"standing": "decided", "pins": [], "vetoes": []},
        {"standing": "decided", "pins": "abc", "vetoes": []},
        {"standing": "decided", "pins": [1], "vetoes": []},
        {"standing": "decided", "pins": [str(number) for number in range(MAX_HANDLES + 1)], "vetoes": []},
        {"standing": "ignored"},
        {"standing": "ignored", "reason": 7, "until": None},
        {"standing": "ignored", "reason": "x", "until": "tomorrow"},
        {"standing": "ignored", "reason": "x", "until": True},
        {"standing": "ignored", "reason": "x", "until": float("inf")},
        {"standing": "ignored", "reason": "x", "until": float("nan")},
        {"standing": "ignored", "reason": "x", "until": 10**400},
        {"standing": ["ignored"], "reason": "x", "until": None},
    ],
    ids=range(18),
)
def test_a_damaged_note_is_left_out_and_the_others_count(note: object, notes: TriageNotes, tmp_path: Path) -> None:
    zone = txn_zone(CONFLICT)
    triage = Triage().ignore(zone, "x")
    notes.save(str(tmp_path), triage)
    [path] = notes.folder.iterdir()
    document = json.loads(path.read_text())
    document["notes"] = {"another": note, **document["notes"]}
    path.write_text(json.dumps(document))
    assert notes.load(str(tmp_path)) == triage


@pytest.mark.parametrize("kind", ["file", "dangling", "loop"])
def test_a_home_that_can_not_be_written_is_told_and_is_no_error(kind: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    if kind == "file":
        home.write_text("")
    else:
        home.symlink_to("/no/such/place" if kind == "dangling" else home)
    notes = TriageNotes(home / "triage")
    assert notes.save(str(tmp_path), Triage().ignore(txn_zone(CONFLICT), "x")) is False
    assert notes.load(str(tmp_path)) == Triage()

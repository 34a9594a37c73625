"""Derived manifests are manifests like stock's own: same form, same checks, nothing lost, the same name every time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.demo import build_demo_store
from core.manifests import (
    ChunkFormat,
    EpochEndingChunk,
    EpochEndingManifest,
    Manifest,
    ManifestRefused,
    StateManifest,
    TransactionChunk,
    TransactionManifest,
    check_against_entry,
    check_manifest,
    parse_manifest,
)
from core.manifests.derive import derive, derived_handle, derived_record, fit_chunks, manifest_bytes
from core.manifests.model import Unknown
from core.model import U64_MAX, EpochEndingRecord, LaneKind, TransactionRecord
from core.names import handle_problem, is_safe_name, parse_backup_folder
from tests.support.soaking import examples

HASH = "ab" * 32
SOURCE = "transaction_1-.aaaa/transaction.manifest"


def chunk(first: int, last: int, *, folder: str = "transaction_1-.aaaa", unknown: Unknown = ()) -> TransactionChunk:
    files = f"{folder}/{first}-.chunk", f"{folder}/{first}-{last}.proof"
    return TransactionChunk(first, last, *files, ChunkFormat.V1, unknown)


def transaction_manifest(*chunks: TransactionChunk, unknown: Unknown = ()) -> TransactionManifest:
    return TransactionManifest(chunks[0].first, chunks[-1].last, chunks, unknown)


def epoch_chunk(first: int, last: int) -> EpochEndingChunk:
    return EpochEndingChunk(first, last, f"epoch_ending_{first}-.aaaa/{first}-.chunk")


def epoch_manifest(*chunks: EpochEndingChunk) -> EpochEndingManifest:
    first, last = chunks[0].first, chunks[-1].last
    waypoints = tuple(f"{100 * epoch}:{HASH}" for epoch in range(first, last + 1))
    return EpochEndingManifest(first, last, waypoints, chunks)


FULL = transaction_manifest(chunk(1, 50), chunk(51, 100), chunk(101, 150), chunk(151, 200))


# Cutting --------------------------------------------------------------------------------------------------------------


def test_a_derived_manifest_holds_the_chunks_as_they_are_and_their_range() -> None:
    derived = derive(FULL, 1, 3)
    assert derived == TransactionManifest(51, 150, FULL.chunks[1:3])
    assert list(check_manifest(derived, "handle")) == []


def test_waypoints_are_cut_with_the_epochs() -> None:
    manifest = epoch_manifest(epoch_chunk(5, 6), epoch_chunk(7, 9), epoch_chunk(10, 10))
    derived = derive(manifest, 1, 3)
    assert derived == EpochEndingManifest(
        7, 10, tuple(f"{100 * epoch}:{HASH}" for epoch in (7, 8, 9, 10)), manifest.chunks[1:]
    )
    record = derived_record(derived, "handle")
    assert record == EpochEndingRecord(7, 10, 700, 1000, "handle")
    assert list(check_manifest(derived, "handle")) == []
    assert list(check_against_entry(derived, record, "handle")) == []


def test_fields_that_stock_does_not_know_are_kept_in_manifest_and_chunks() -> None:
    source = (
        b'{"first_version":1,"made_by":{"b":[1,  "\xc3\xa4"],"a":null},"last_version":9,"chunks":['
        b'{"sum":1e400,"first_version":1,"last_version":4,"transactions":"a","proof":"b"},'
        b'{"first_version":5,"last_version":9,"transactions":"c","proof":"d","sum":"x","format":"V1"}],"note":""}'
    )
    derived = derive(parse_manifest(LaneKind.TRANSACTIONS, source), 1, 2)
    assert manifest_bytes(derived) == (
        b'{"first_version":5,"last_version":9,"chunks":['
        b'{"first_version":5,"last_version":9,"transactions":"c","proof":"d","format":"V1","sum":"x"}],'
        b'"made_by":{"b":[1,  "\xc3\xa4"],"a":null},"note":""}'
    )


def test_a_manifest_that_claims_too_much_gives_sound_runs_of_chunks() -> None:
    derived = derive(replace(FULL, last_version=999), 2, 4)
    assert derived_record(derived, "h") == TransactionRecord(101, 200, "h")
    assert list(check_manifest(derived, "h")) == []


@pytest.mark.parametrize("waypoints", [(), (f"700:{HASH}",), tuple(f"{n}:{HASH}" for n in range(7))])
def test_epochs_without_a_waypoint_for_each_are_refused_in_words(waypoints: tuple[str, ...]) -> None:
    manifest = replace(epoch_manifest(epoch_chunk(5, 6), epoch_chunk(7, 9)), waypoints=waypoints)
    with pytest.raises(
        ManifestRefused, match=f"epochs 7 to 9 have no waypoints .* holds {len(waypoints)} waypoints"
    ) as it:
        derive(manifest, 1, 2)
    assert it.value.hazard == "manifest-waypoint-count"
    assert not it.value.says_stock
    assert fit_chunks(manifest) == (False, False)


def test_epochs_outside_the_range_of_their_manifest_are_refused() -> None:
    manifest = epoch_manifest(epoch_chunk(5, 6), epoch_chunk(7, 9))
    shifted = replace(manifest, chunks=(epoch_chunk(4, 6), epoch_chunk(7, 9), epoch_chunk(10, 11)))
    assert fit_chunks(shifted) == (False, True, False)
    for begin in (0, 2):
        with pytest.raises(ManifestRefused, match="have no waypoints of their own"):
            derive(shifted, begin, begin + 1)


def test_a_bad_waypoint_spoils_only_its_own_chunk() -> None:
    manifest = epoch_manifest(epoch_chunk(0, 1), epoch_chunk(2, 3), epoch_chunk(4, 4), epoch_chunk(5, 5))
    waypoints = list(manifest.waypoints)
    waypoints[3], waypoints[4] = "not a waypoint", f"200:{HASH}"
    spoilt = replace(manifest, waypoints=tuple(waypoints))
    assert fit_chunks(spoilt) == (True, False, False, True)
    with pytest.raises(ManifestRefused, match="waypoint 1 can't be read"):
        derive(spoilt, 1, 2)
    with pytest.raises(ManifestRefused, match="do not rise"):
        derive(replace(spoilt, waypoints=(*spoilt.waypoints[:3], f"100:{HASH}", *spoilt.waypoints[4:])), 1, 2)


@pytest.mark.parametrize(
    "bad",
    [
        replace(chunk(51, 100), first_version=60, last_version=59),
        replace(chunk(51, 100), last_version=U64_MAX),
        replace(chunk(51, 100), transactions="../../etc/passwd"),
        replace(chunk(51, 100), proof="/etc/passwd"),
        replace(chunk(51, 100), proof="transaction_1-.aaaa/1-50.proof"),
    ],
)
def test_a_chunk_that_no_manifest_may_list_is_unfit_and_refused(bad: TransactionChunk) -> None:
    manifest = replace(FULL, chunks=(FULL.chunks[0], bad, *FULL.chunks[2:]))
    assert fit_chunks(manifest) == (True, False, True, True)
    with pytest.raises(ManifestRefused, match="chunks 1 to 1 make no manifest"):
        derive(manifest, 1, 2)


def test_chunks_that_do_not_follow_each_other_make_no_manifest() -> None:
    manifest = replace(FULL, chunks=(FULL.chunks[0], FULL.chunks[2]))
    with pytest.raises(ManifestRefused, match="chunk 1 begins at version 101 where 51 is next"):
        derive(manifest, 0, 2)


@pytest.mark.parametrize(("begin", "end"), [(0, 0), (2, 1), (-1, 2), (0, 5), (4, 5)])
def test_chunks_that_are_not_there_are_an_error(begin: int, end: int) -> None:
    with pytest.raises(ValueError):
        derive(FULL, begin, end)


def test_a_snapshot_is_not_cut() -> None:
    with pytest.raises(ValueError):
        derive(StateManifest(1, 0, HASH, (), "proof"), 0, 1)


# Stock's rule across manifests ----------------------------------------------------------------------------------------


def stock_reads(manifests: Sequence[Manifest]) -> str | None:
    """What stock says while it reads transaction manifests in order, None if nothing (`format.md`, "Restore plan")."""
    last = 0
    for manifest in manifests:
        for problem in check_manifest(manifest, "handle"):
            return problem.stock_says
        for each in manifest.chunks:
            if last != 0 and each.first != last + 1:
                return f"Chunk range not consecutive. expecting {last + 1}, got {each.first}"
            last = each.last
    return None


def test_stock_reads_whole_and_derived_manifests_in_one_row() -> None:
    one = transaction_manifest(chunk(0, 0), chunk(1, 99), chunk(100, 149))
    other = transaction_manifest(chunk(80, 149, folder="other"), chunk(150, 199, folder="other"))
    assert stock_reads([one, other]) == "Chunk range not consecutive. expecting 150, got 80"
    assert stock_reads([one, derive(other, 1, 2)]) is None
    third = transaction_manifest(chunk(100, 120, folder="third"), chunk(121, 199, folder="third"))
    assert stock_reads([derive(one, 0, 2), third]) is None


# Writing --------------------------------------------------------------------------------------------------------------


def test_manifests_of_a_store_are_written_byte_for_byte(tmp_path: Path) -> None:
    build_demo_store("no-join", tmp_path / "store")
    written = 0
    for lane, name in ((LaneKind.TRANSACTIONS, "transaction"), (LaneKind.EPOCH_ENDINGS, "epoch_ending")):
        for path in (tmp_path / "store").glob(f"*/{name}.manifest"):
            manifest = parse_manifest(lane, path.read_bytes())
            assert not isinstance(manifest, StateManifest)
            assert manifest_bytes(manifest) == path.read_bytes()
            written += 1
    assert written > 20


def test_a_chunk_of_the_oldest_format_goes_without_the_field() -> None:
    content = manifest_bytes(transaction_manifest(replace(chunk(0, 9), format=ChunkFormat.V0)))
    assert b"format" not in content
    manifest = parse_manifest(LaneKind.TRANSACTIONS, content.replace(b'proof"}', b'proof","format":"V0"}'))
    assert isinstance(manifest, TransactionManifest)
    assert manifest_bytes(manifest) == content


def test_text_is_written_as_stock_writes_it() -> None:
    name = 'a"\\\n\x00\x1f\x7fä/😀'
    content = manifest_bytes(transaction_manifest(replace(chunk(0, 9), transactions=name)))
    assert '"transactions":"a\\"\\\\\\n\\u0000\\u001f\x7fä/😀"'.encode() in content


def test_text_that_is_not_unicode_is_not_written() -> None:
    with pytest.raises(ValueError):
        manifest_bytes(transaction_manifest(replace(chunk(0, 9), transactions="\ud800")))


numbers = st.sampled_from([0, 1, 7, 2**63, U64_MAX])
texts = st.text(max_size=6)
unknowns = st.lists(
    st.tuples(
        st.text(min_size=1, max_size=4).map(lambda name: f"x{name}"),
        st.sampled_from([b"1", b"-1.5e9", b'"\\u00e4"', b"[1, {}]", b'{"a" :[null]}', b"true"]),
    ),
    max_size=3,
).map(tuple)
chunks = st.builds(TransactionChunk, numbers, numbers, texts, texts, st.sampled_from(ChunkFormat), unknowns)
epoch_chunks = st.builds(EpochEndingChunk, numbers, numbers, texts, unknowns)
range_manifests = st.one_of(
    st.builds(TransactionManifest, numbers, numbers, st.lists(chunks, max_size=3).map(tuple), unknowns),
    st.builds(
        EpochEndingManifest,
        numbers,
        numbers,
        st.lists(texts, max_size=3).map(tuple),
        st.lists(epoch_chunks, max_size=3).map(tuple),
        unknowns,
    ),
)


@given(manifest=range_manifests)
@settings(max_examples=examples(300), deadline=None)
def test_what_is_written_reads_back_as_it_was(manifest: TransactionManifest | EpochEndingManifest) -> None:
    lane = LaneKind.TRANSACTIONS if isinstance(manifest, TransactionManifest) else LaneKind.EPOCH_ENDINGS
    assert parse_manifest(lane, manifest_bytes(manifest)) == manifest


# Fit chunks -----------------------------------------------------------------------------------------------------------


def joined(manifest: TransactionManifest | EpochEndingManifest, begin: int, end: int) -> bool:
    run = manifest.chunks[begin:end]
    return all(left.last + 1 == right.first for left, right in pairwise(run))


def random_epochs(chance: random.Random) -> EpochEndingManifest:
    """Chunks of some epochs, with a few waypoints and ranges that are wrong."""
    cuts = sorted({0, *(chance.randint(1, 9) for _ in range(3)), 10})
    manifest = epoch_manifest(*(epoch_chunk(first, end - 1) for first, end in pairwise(cuts)))
    waypoints = list(manifest.waypoints)
    for _ in range(chance.randint(0, 2)):
        odd = chance.choice(["", "x:y", f"{U64_MAX}:{HASH}", f"{U64_MAX + 1}:{HASH}", f"350:{HASH}", "7:00"])
        waypoints[chance.randrange(len(waypoints))] = odd
    odd_chunks = list(manifest.chunks)
    if chance.random() < 0.3:
        odd_chunks[chance.randrange(len(odd_chunks))] = epoch_chunk(chance.randint(0, 12), chance.randint(0, 12))
    first = chance.choice([0, 0, 0, 1])
    return replace(manifest, first_epoch=first, waypoints=tuple(waypoints[first:]), chunks=tuple(odd_chunks))


def test_every_run_of_fit_chunks_that_join_makes_a_manifest_and_a_line_without_fault() -> None:
    chance = random.Random(9)
    made = unfit = 0
    for _ in range(2_000):
        manifest = random_epochs(chance)
        fit = fit_chunks(manifest)
        unfit += not all(fit)
        for begin in range(len(fit)):
            for end in range(begin + 1, len(fit) + 1):
                if all(fit[begin:end]) and joined(manifest, begin, end):
                    derived = derive(manifest, begin, end)
                    assert list(check_manifest(derived, "h")) == []
                    assert list(check_against_entry(derived, derived_record(derived, "h"), "h")) == []
                    made += 1
    assert made > 2_000
    assert unfit > 500


# Naming ---------------------------------------------------------------------------------------------------------------


def test_a_derived_handle_is_the_same_every_time_and_another_for_anything_else() -> None:
    content = manifest_bytes(derive(FULL, 1, 3))
    handle = derived_handle(LaneKind.TRANSACTIONS, 51, SOURCE, 1, 3, content)
    assert handle == "transaction_51-.splice_05b26fde/transaction.manifest"
    others = {
        derived_handle(LaneKind.TRANSACTIONS, 51, f"{SOURCE}x", 1, 3, content),
        derived_handle(LaneKind.TRANSACTIONS, 51, SOURCE, 0, 3, content),
        derived_handle(LaneKind.TRANSACTIONS, 51, SOURCE, 1, 4, content),
        derived_handle(LaneKind.TRANSACTIONS, 51, SOURCE, 1, 3, content + b" "),
    }
    assert len(others | {handle}) == 5
    assert handle_problem(handle) is None
    assert is_safe_name(handle.partition("/")[0])
    folder = parse_backup_folder(handle)
    assert folder is not None
    assert (folder.kind, folder.first) == (LaneKind.TRANSACTIONS, 51)


def test_the_handle_of_epochs_names_their_manifest() -> None:
    handle = derived_handle(LaneKind.EPOCH_ENDINGS, U64_MAX - 1, SOURCE, 0, 1, b"{}")
    assert handle.startswith(f"epoch_ending_{U64_MAX - 1}-.splice_")
    assert handle.endswith("/epoch_ending.manifest")
    assert is_safe_name(handle.partition("/")[0])


def test_a_line_is_not_made_up_where_waypoints_say_no_version() -> None:
    for waypoints in ((), ("x",), (f"1:{HASH}", "y")):
        with pytest.raises(ValueError):
            derived_record(EpochEndingManifest(0, 0, waypoints, ()), "h")

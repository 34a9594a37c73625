"""Manifests: read with stock's verdicts and words, checked in stock's order, compared with their lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.manifests import (
    ChunkFormat,
    EpochEndingChunk,
    EpochEndingManifest,
    Manifest,
    ManifestProblem,
    ManifestRefused,
    StateManifest,
    TransactionChunk,
    TransactionManifest,
    check_against_entry,
    check_manifest,
    parse_manifest,
)
from core.model import (
    U64_MAX,
    EpochEndingRecord,
    LaneKind,
    RangeRecord,
    StateSnapshotRecord,
    TransactionRecord,
)
from tests.support.data import data_path

HASH = "ab" * 32
LANES = TXN, EPOCH, STATE = LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS


def transactions(first: int, last: int, *ranges: tuple[int, int], **more: Any) -> Manifest:
    chunks = [
        {"first_version": a, "last_version": b, "transactions": f"t/{a}-.chunk", "proof": f"t/{a}-{b}.proof"}
        for a, b in ranges
    ]
    return parse_manifest(
        TXN, json.dumps({"first_version": first, "last_version": last, "chunks": chunks, **more}).encode()
    )


def epochs(first: int, last: int, waypoints: list[str], *ranges: tuple[int, int]) -> Manifest:
    chunks = [{"first_epoch": a, "last_epoch": b, "ledger_infos": f"e/{a}-.chunk"} for a, b in ranges]
    whole = {"first_epoch": first, "last_epoch": last, "waypoints": waypoints, "chunks": chunks}
    return parse_manifest(EPOCH, json.dumps(whole).encode())


def state(*chunks: tuple[int, int, int, int], version: int = 100, epoch: int = 1) -> Manifest:
    listed = [
        {
            "first_idx": a,
            "last_idx": b,
            "first_key": f"{low:064X}",
            "last_key": f"{high:064x}",
            "blobs": f"s/{a}-.chunk",
            "proof": f"s/{a}-{b}.proof",
        }
        for a, b, low, high in chunks
    ]
    whole = {"version": version, "epoch": epoch, "root_hash": HASH, "chunks": listed, "proof": "s/state.proof"}
    return parse_manifest(STATE, json.dumps(whole).encode())


def waypoints(*versions: int) -> list[str]:
    return [f"{version}:{HASH}" for version in versions]


def problems(manifest: Manifest) -> list[tuple[str, str | None]]:
    return [(problem.hazard, problem.stock_says) for problem in check_manifest(manifest, "m")]


def disagreements(manifest: Manifest, record: RangeRecord) -> list[ManifestProblem]:
    return list(check_against_entry(manifest, record, record.manifest))


def refused(lane: LaneKind, text: bytes) -> tuple[str, str]:
    with pytest.raises(ManifestRefused) as error:
        parse_manifest(lane, text)
    return error.value.hazard, error.value.message


# Reading


def test_a_manifest_without_formats_is_of_v0_and_with_them_of_v1() -> None:
    old = transactions(0, 9, (0, 9))
    assert isinstance(old, TransactionManifest)
    assert old.chunks == (TransactionChunk(0, 9, "t/0-.chunk", "t/0-9.proof", ChunkFormat.V0),)
    new = parse_manifest(TXN, data_path("hazard-stores", "chunk-format-unknown", "man.json").read_bytes())
    assert isinstance(new, TransactionManifest)
    assert [chunk.format for chunk in new.chunks] == [ChunkFormat.V1]
    assert problems(new) == []


def test_a_format_may_be_written_as_a_map() -> None:
    text = b'[0,9,[[0,9,"t","p",{"V1" : null}]]]'
    assert parse_manifest(TXN, text) == TransactionManifest(0, 9, (TransactionChunk(0, 9, "t", "p", ChunkFormat.V1),))


def test_structs_may_be_written_as_lists_and_the_format_left_out() -> None:
    assert parse_manifest(TXN, b'[0,9,[[0,9,"t","p"]]]') == TransactionManifest(
        0, 9, (TransactionChunk(0, 9, "t", "p"),)
    )
    assert parse_manifest(EPOCH, b'[1,2,["7:x"],[{"first_epoch":1,"last_epoch":2,"ledger_infos":"l"}]]') == (
        EpochEndingManifest(1, 2, ("7:x",), (EpochEndingChunk(1, 2, "l"),))
    )


def test_unknown_fields_are_ignored_and_kept_as_they_stand() -> None:
    text = (
        b'{"new":{"a":[1, 2.50,"\\ud800"]},"first_version":0,"last_version":9,"chunks":[{"first_version":0,'
        b'"size" : 1e400 ,"last_version":9,"transactions":"t","proof":"p"}],"new":null}'
    )
    manifest = parse_manifest(TXN, text)
    assert isinstance(manifest, TransactionManifest)
    assert manifest.unknown == (("new", b'{"a":[1, 2.50,"\\ud800"]}'), ("new", b"null"))
    assert manifest.chunks[0].unknown == (("size", b"1e400"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b"\n\n", "EOF while parsing a value at line 3 column 0"),
        (b"<html>", "expected value at line 1 column 1"),
        (b'{"first_version":0,"last', "EOF while parsing a string at line 1 column 24"),
        (b'{"first_version":0,', "EOF while parsing a value at line 1 column 19"),
        (b'{"first_version":0', "EOF while parsing an object at line 1 column 18"),
        (b"{}", "missing field `first_version` at line 1 column 2"),
        (b'{"first_version":0,"last_version":9}', "missing field `chunks` at line 1 column 36"),
        (b'{"first_version":0,"first_version":0}', "duplicate field `first_version` at line 1 column 34"),
        (b'{"first_version":1.0}', "invalid type: floating point `1`, expected u64 at line 1 column 20"),
        (b'{"first_version":true}', "invalid type: boolean `true`, expected u64 at line 1 column 21"),
        (b'{"first_version":"0"}', 'invalid type: string "0", expected u64 at line 1 column 20'),
        (b'{"first_version":-1}', "invalid value: integer `-1`, expected u64 at line 1 column 19"),
        (b"[0,9,[]] {}", "trailing characters at line 1 column 10"),
        (b"[0,9,[],]", "trailing comma at line 1 column 9"),
        (b"[0,9]", "invalid length 2, expected struct TransactionBackup with 3 elements at line 1 column 5"),
        (
            b'[0,9,[[0,9,"t"]]]',
            "invalid length 3, expected struct TransactionChunk with 5 elements at line 1 column 15",
        ),
        (b"[0,9,{}]", "invalid type: map, expected a sequence at line 1 column 5"),
        (b'[0,9,["x"]]', 'invalid type: string "x", expected struct TransactionChunk at line 1 column 9'),
        (b'[0,9,[[0,9,"t","p"]', "EOF while parsing a list at line 1 column 19"),
        (b'[0,9,["\xff"]]', "invalid unicode code point at line 1 column 9"),
        (b'[0,9,[[0,9,"t\xff","p"]]]', "invalid unicode code point at line 1 column 15"),
        (b"\xef\xbb\xbf{}", "expected value at line 1 column 1"),
    ],
)
def test_what_is_no_manifest_is_refused_in_stocks_words(text: bytes, message: str) -> None:
    assert refused(TXN, text) == ("manifest-bad-json", message)


def test_an_unknown_chunk_format_is_told_from_broken_text() -> None:
    known = b'{"first_version":0,"last_version":9,"chunks":[{"first_version":0,"last_version":9,"transactions":"t",'
    assert refused(TXN, known + b'"proof":"p","format":"V2"}]}') == (
        "chunk-format-unknown",
        "unknown variant `V2`, expected `V0` or `V1` at line 1 column 126",
    )
    assert refused(TXN, known + b'"proof":"p","format":1}]}') == (
        "manifest-bad-json",
        "expected value at line 1 column 123",
    )
    assert refused(TXN, known + b'"proof":"p","format":{"V1":1}}]}')[1].startswith(
        "invalid type: integer `1`, expected unit"
    )


def test_bytes_that_are_not_utf_8_pass_where_stock_skips_them() -> None:
    manifest = parse_manifest(TXN, b'{"note":"\xff","first_version":0,"last_version":9,"chunks":[]}')
    assert isinstance(manifest, TransactionManifest)
    assert manifest.unknown == (("note", b'"\xff"'),)


def test_hashes_and_indices_of_state_manifests_are_read_as_stock_reads_them() -> None:
    start = b'{"version":1,"epoch":0,"root_hash":'
    assert refused(STATE, start + b'"ab"}') == ("manifest-bad-json", "unable to parse HashValue at line 1 column 40")
    chunk = start + b'"' + HASH.encode() + b'","chunks":[[-1'
    assert refused(STATE, chunk)[1].startswith("invalid value: integer `-1`, expected usize")


def test_numbers_reach_to_2_64_and_no_further() -> None:
    manifest = transactions(0, U64_MAX)
    assert isinstance(manifest, TransactionManifest) and manifest.last_version == U64_MAX
    hazard, message = refused(TXN, b"[0,18446744073709551616,[]]")
    assert hazard == "manifest-bad-json"
    assert message.startswith("invalid type: floating point `18446744073709552000`, expected u64")


def test_nesting_and_length_are_bounded_by_nothing_but_the_text() -> None:
    deep = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"first_version":0,"last_version":0,"chunks":[]}'
    assert isinstance(parse_manifest(TXN, deep), TransactionManifest)
    assert refused(TXN, b'{"x":' + b"[" * 100_000)[1] == "EOF while parsing a list at line 1 column 100005"


def test_more_than_a_million_list_items_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.manifests.parse.MAX_LIST_ITEMS", 1_000)
    assert isinstance(parse_manifest(EPOCH, b'[0,9,["' + b'","'.join([b""] * 1_000) + b'"],[]]'), EpochEndingManifest)
    hazard, message = refused(EPOCH, b'[0,9,["' + b'","'.join([b""] * 1_001) + b'"],[]]')
    assert (hazard, message) == ("manifest-huge", "a list of more than 1,000 items")


WHOLE = (
    b'{"first_version":0,"last_version":9,"chunks":[{"first_version":0,"last_version":9,"transactions":"t/0-.chunk",'
    b'"proof":"t/0-9.proof","format":"V1","new":[{"a":null}]}]}'
)


def test_every_cut_of_a_manifest_is_refused() -> None:
    assert isinstance(parse_manifest(TXN, WHOLE + b"\n"), TransactionManifest)
    for cut in range(len(WHOLE)):
        hazard, message = refused(TXN, WHOLE[:cut])
        assert hazard == "manifest-bad-json"
        assert message.startswith("EOF while parsing")


@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4), st.sampled_from(list(LANES))
)
def test_damage_is_refused_or_read_but_never_crashes(changes: list[tuple[int, int]], lane: LaneKind) -> None:
    damaged = bytearray(WHOLE)
    for place, byte in changes:
        damaged[place] = byte
    try:
        manifest = parse_manifest(lane, bytes(damaged))
    except ManifestRefused as error:
        assert error.hazard in {"manifest-bad-json", "chunk-format-unknown"}
        return
    list(check_manifest(manifest, "m"))


# Checks of a manifest alone


def test_a_good_manifest_has_no_problems() -> None:
    assert problems(transactions(1, 100, (1, 50), (51, 100))) == []
    assert problems(epochs(5, 6, waypoints(10, 20), (5, 5), (6, 6))) == []
    assert problems(state((0, 4, 1, 5), (5, 9, 6, 9))) == []


@pytest.mark.parametrize(
    ("manifest", "hazard", "stock_says"),
    [
        (transactions(9, 0), "manifest-chunk-gap", "Bad version range: [9, 0]"),
        (transactions(0, 9), "manifest-chunk-gap", "No chunks."),
        (
            transactions(0, 9, (0, 4), (6, 9)),
            "manifest-chunk-gap",
            "Chunk ranges not continuous. Expected first version: 5, actual: 6.",
        ),
        (
            transactions(0, 9, (1, 9)),
            "manifest-chunk-gap",
            "Chunk ranges not continuous. Expected first version: 0, actual: 1.",
        ),
        (transactions(1, 9, (1, 0)), "manifest-chunk-gap", "Chunk range invalid. [1, 0]"),
        (
            transactions(0, 9, (0, 4), (5, 8)),
            "manifest-last-mismatch",
            "Last version in chunks: 8, in manifest: 9",
        ),
        (transactions(0, 9, (0, 10)), "manifest-last-mismatch", "Last version in chunks: 10, in manifest: 9"),
        (transactions(0, U64_MAX, (0, U64_MAX)), "manifest-overflow", "attempt to add with overflow"),
        (
            epochs(0, 1, ["0:aa"], (0, 1)),
            "manifest-waypoint-count",
            "Malformed manifest. first epoch: 0, last epoch 1, num waypoints 1",
        ),
        (
            epochs(3, 1, waypoints(1), (3, 1)),
            "manifest-waypoint-count",
            "Malformed manifest. first epoch: 3, last epoch 1, num waypoints 1",
        ),
        (epochs(0, U64_MAX, waypoints(1), (0, 1)), "manifest-overflow", "attempt to add with overflow"),
        (epochs(5, 5, waypoints(1)), "manifest-chunk-gap", "No chunks."),
        (
            epochs(5, 6, waypoints(1, 2), (5, 5), (7, 7)),
            "manifest-chunk-gap",
            "Chunk ranges not continuous. Expected first epoch: 6, actual: 7.",
        ),
        (epochs(5, 5, waypoints(1), (5, 4)), "manifest-chunk-gap", "Chunk range invalid. [5, 4]"),
        (epochs(5, 5, waypoints(1), (5, 6)), "manifest-last-mismatch", "Last epoch in chunks: 6, in manifest: 5"),
    ],
)
def test_stocks_checks_fail_in_stocks_order_and_words(manifest: Manifest, hazard: str, stock_says: str) -> None:
    assert problems(manifest)[0] == (hazard, stock_says)


@pytest.mark.parametrize(
    ("name", "lane", "hazard", "stock_says"),
    [
        (
            "manifest-chunk-gap",
            TXN,
            "manifest-chunk-gap",
            "Chunk ranges not continuous. Expected first version: 5, actual: 6.",
        ),
        ("manifest-last-mismatch", TXN, "manifest-last-mismatch", "Last version in chunks: 8, in manifest: 9"),
        ("manifest-overflow", TXN, "manifest-overflow", "attempt to add with overflow"),
        (
            "manifest-waypoint-count",
            EPOCH,
            "manifest-waypoint-count",
            "Malformed manifest. first epoch: 0, last epoch 1, num waypoints 1",
        ),
        ("snapshot-empty-chunks", STATE, "snapshot-empty-chunks", None),
    ],
)
def test_the_manifests_of_the_hazard_stores_show_their_hazard(
    name: str, lane: LaneKind, hazard: str, stock_says: str | None
) -> None:
    manifest = parse_manifest(lane, data_path("hazard-stores", name, "man.json").read_bytes())
    assert problems(manifest)[0] == (hazard, stock_says)


@pytest.mark.parametrize(
    ("waypoint", "words"),
    [
        ("", "cannot parse integer from empty string"),
        (f":{HASH}", "cannot parse integer from empty string"),
        (f"x:{HASH}", "invalid digit found in string"),
        (f"-1:{HASH}", "invalid digit found in string"),
        (f"٣:{HASH}", "invalid digit found in string"),
        (f"18446744073709551616:{HASH}", "number too large to fit in target type"),
        (f"{'9' * 5000}:{HASH}", "number too large to fit in target type"),
        ("7", "Failed to parse waypoint string 7"),
        ("7:ab", "unable to parse HashValue"),
        (f"7:{'g' * 64}", "unable to parse HashValue"),
    ],
)
def test_a_waypoint_that_stock_cant_read_is_a_torn_manifest(waypoint: str, words: str) -> None:
    assert problems(epochs(5, 5, [waypoint], (5, 5))) == [("manifest-bad-json", words)]


def test_waypoints_must_rise() -> None:
    assert problems(epochs(5, 6, waypoints(20, 20), (5, 6))) == [("manifest-waypoint-count", None)]
    assert problems(epochs(5, 6, waypoints(0, U64_MAX), (5, 6))) == []


@pytest.mark.parametrize(
    "chunks",
    [
        [(1, 4, 1, 5)],
        [(0, 4, 1, 5), (6, 9, 6, 9)],
        [(0, 4, 1, 5), (0, 4, 1, 5)],
        [(5, 9, 6, 9), (0, 4, 1, 5)],
        [(0, 4, 5, 1)],
        [(0, 4, 1, 5), (5, 9, 5, 9)],
        [(0, -1 % 2**64, 1, 5), (0, 0, 6, 6)],
    ],
)
def test_snapshot_chunks_must_follow_each_other(chunks: list[tuple[int, int, int, int]]) -> None:
    assert [hazard for hazard, _ in problems(state(*chunks))] == ["snapshot-chunk-order"]


def test_a_proof_named_for_another_range_is_noticed_and_other_names_are_not_judged() -> None:
    manifest = transactions(1, 100, (1, 50), (51, 100))
    assert isinstance(manifest, TransactionManifest)
    one, other = manifest.chunks
    swapped = TransactionManifest(
        1,
        100,
        (
            TransactionChunk(1, 50, one.transactions, other.proof),
            TransactionChunk(51, 100, other.transactions, "s3://bucket/proof"),
        ),
    )
    found = [(each.hazard, each.file, each.chunk) for each in check_manifest(swapped, "m")]
    assert ("proof-swapped", "t/51-100.proof", 0) in found
    assert not any(hazard == "proof-swapped" and chunk == 1 for hazard, _, chunk in found)


@pytest.mark.parametrize(
    "handle", ["/etc/passwd", "../x", "a//b", "a\\b", "t/..", "x" * 2_000, "", "a\0b", "a\x1b[2Jb"]
)
def test_a_manifest_that_names_a_file_outside_the_store_is_hostile(handle: str) -> None:
    manifest = TransactionManifest(0, 9, (TransactionChunk(0, 9, handle, "t/0-9.proof"),))
    found = [(each.hazard, each.file, each.chunk) for each in check_manifest(manifest, "m")]
    assert found == [("path-traversal-read", handle, 0)]


# A manifest and its line


def test_a_manifest_that_agrees_with_its_line_has_no_problems() -> None:
    assert disagreements(transactions(1, 100, (1, 100)), TransactionRecord(1, 100, "m")) == []
    assert disagreements(epochs(1, 2, waypoints(10, 20), (1, 2)), EpochEndingRecord(1, 2, 10, 20, "m")) == []
    assert disagreements(state((0, 4, 1, 5)), StateSnapshotRecord(1, 100, "m")) == []


@pytest.mark.parametrize(
    ("line", "stock_says"),
    [
        (TransactionRecord(101, 100, "m"), "Chunk range not consecutive. expecting 101, got 51"),
        (TransactionRecord(1, 100, "m"), None),
        (TransactionRecord(51, 200, "m"), None),
    ],
)
def test_a_manifest_of_another_range_is_noticed(line: TransactionRecord, stock_says: str | None) -> None:
    (problem,) = disagreements(transactions(51, 100, (51, 100)), line)
    assert (problem.hazard, problem.stock_says, problem.entry) == ("manifest-range-mismatch", stock_says, line)


def test_an_epoch_manifest_of_another_range_is_noticed_with_what_stock_says_then() -> None:
    manifest = epochs(5, 6, waypoints(10, 20), (5, 6))
    (problem,) = disagreements(manifest, EpochEndingRecord(4, 6, 10, 20, "m"))
    assert (problem.hazard, problem.stock_says) == (
        "manifest-range-mismatch",
        "Previous epoch ending LedgerInfo is not the one expected. "
        "My first epoch: 5, previous LedgerInfo next_block_epoch: 4",
    )
    (problem,) = disagreements(manifest, EpochEndingRecord(0, 6, 10, 20, "m"))
    assert problem.stock_says == "Restored LedgerInfo has epoch 5, expecting 0."


def test_a_line_that_claims_versions_below_the_first_waypoint_aborts_stock() -> None:
    manifest = epochs(1, 1, waypoints(100), (1, 1))
    (problem,) = disagreements(manifest, EpochEndingRecord(1, 1, 10, 100, "m"))
    assert (problem.hazard, problem.stock_says) == ("epoch-cut-panic", "Epoch ending backup can't be empty.")
    assert "10 to 99" in problem.message
    for line in (EpochEndingRecord(1, 1, 101, 101, "m"), EpochEndingRecord(1, 1, 100, 101, "m")):
        assert [each.hazard for each in disagreements(manifest, line)] == ["manifest-waypoint-count"]


def test_a_snapshot_of_another_version_or_epoch_is_noticed() -> None:
    for line in (StateSnapshotRecord(1, 99, "m"), StateSnapshotRecord(2, 100, "m")):
        (problem,) = disagreements(state((0, 4, 1, 5)), line)
        assert (problem.hazard, problem.stock_says) == ("snapshot-manifest-mismatch", None)


def test_only_a_state_manifest_is_a_state_manifest() -> None:
    assert isinstance(state((0, 4, 1, 5)), StateManifest)

"""What a lock file may say, and what is made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lease import MAX_BYTES, LeaseRecord, LeaseUnreadable, held_words, lease_held, parse
from core.lease.record import salvaged_token

RECORD = LeaseRecord(
    state="held",
    token=17,
    seq=4,
    ttl=60.0,
    owner="00a1b2c3d4e5f607",
    nonce="ffeeddccbbaa9988",
    purpose="compact",
    operation="c-17",
    timestamp=1_700_000_000,
    pid=4711,
    pid_started="1295287",
    boot_id="4dad58c6 pid:[4026531836]",
    user="operator",
    host="alpha",
    app="seamline 0.1",
    progress="retire 3/12",
)


def saying(**said: Any) -> bytes:
    """A lock file in which some keys say something else."""
    return json.dumps(json.loads(RECORD.to_bytes()) | said).encode()


def test_a_record_is_read_as_it_was_written() -> None:
    assert parse(RECORD.to_bytes()) == RECORD
    broken = replace(RECORD, state="free", ttl=1.5, broken_by="root@beta")
    assert parse(broken.to_bytes()) == broken


def test_the_file_is_plain_json_with_the_documented_keys() -> None:
    said = json.loads(RECORD.to_bytes())
    keys = (
        "v state token seq ttl owner nonce purpose operation timestamp pid pid_started boot_id user host app progress"
    )
    assert set(said) == set(keys.split())
    assert said["v"] == 1
    assert said["ttl"] == 60
    assert "broken_by" not in said


def test_keys_that_a_later_version_may_add_are_left_alone() -> None:
    assert parse(saying(server="eu-1", depth={"a": [1]})) == RECORD


def test_a_newer_version_says_so() -> None:
    with pytest.raises(LeaseUnreadable, match="was written by a newer seamline") as told:
        parse(saying(v=2, owner=None))
    assert told.value.exit_code == 11
    assert "break unreadable" in told.value.hint


@pytest.mark.parametrize(
    "said",
    [
        {"v": 0},
        {"v": True},
        {"v": "1"},
        {"state": "HELD"},
        {"state": ["held"]},
        {"token": -1},
        {"token": 1.0},
        {"token": 2**53},
        {"token": True},
        {"seq": None},
        {"ttl": "60"},
        {"ttl": 10**300},
        {"timestamp": None},
        {"timestamp": 1e300},
        {"owner": ""},
        {"owner": "a b"},
        {"owner": "x" * 33},
        {"owner": "\u202ereversed"},
        {"nonce": 7},
        {"pid": "4711"},
        {"pid": -4711},
        {"user": None},
        {"progress": ["retire"]},
        {"broken_by": 1},
    ],
    ids=str,
)
def test_a_key_with_a_wrong_value_makes_it_unreadable_and_is_named(said: dict[str, Any]) -> None:
    with pytest.raises(LeaseUnreadable, match=repr(next(iter(said)))):
        parse(saying(**said))


@pytest.mark.parametrize("key", json.loads(RECORD.to_bytes()))
def test_no_key_may_be_missing(key: str) -> None:
    said = json.loads(RECORD.to_bytes())
    del said[key]
    with pytest.raises(LeaseUnreadable, match=repr(key)):
        parse(json.dumps(said).encode())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"garbage", "no JSON object"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b"\xff\xfe{}", "no JSON object"),
        (b"[" * MAX_BYTES, "no JSON object"),
        (RECORD.to_bytes()[:-20], "no JSON object"),
        (b'{"v":NaN}', "no JSON object"),
        (b"\x00" * 512, "no JSON object"),
        (b" " * (MAX_BYTES + 1), "larger than 1,024 bytes"),
    ],
    ids=range(11),
)
def test_garbage_is_unreadable_and_says_why(content: bytes, why: str) -> None:
    with pytest.raises(LeaseUnreadable, match=why):
        parse(content)


@given(st.binary(max_size=MAX_BYTES + 10))
def test_whatever_stands_in_the_file_is_a_record_or_unreadable(content: bytes) -> None:
    try:
        parse(content)
    except LeaseUnreadable as unreadable:
        assert unreadable.why
    assert 0 <= salvaged_token(content) < 2**53


NAMES = ("purpose", "operation", "user", "host", "progress", "boot_id", "broken_by")


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, st.text(max_size=400))))
def test_whatever_the_texts_say_the_file_stays_small_and_readable(texts: dict[str, Any]) -> None:
    record = replace(RECORD, token=2**53 - 1, seq=2**53 - 1, pid=2**53 - 1, ttl=4 / 3, **texts)
    content = record.to_bytes()
    assert len(content) <= MAX_BYTES
    assert parse(content).to_bytes() == content


def test_the_largest_record_there_can_be_keeps_within_the_limit() -> None:
    texts = ("purpose", "operation", "pid_started", "boot_id", "user", "host", "app", "progress", "broken_by")
    ids = {"owner": "o" * 32, "nonce": "n" * 32}
    numbers = {"token": 2**53 - 1, "seq": 2**53 - 1, "pid": 2**53 - 1, "timestamp": -(2**53) + 1}
    for char in ('"', "\\", "a", "ä", "\U0001f9f5"):
        record = replace(RECORD, ttl=1 / 0.7, **ids, **numbers, **dict.fromkeys(texts, char * 2000))
        assert len(record.to_bytes()) <= MAX_BYTES
        parse(record.to_bytes())


def test_the_ttl_of_another_writer_is_bounded() -> None:
    assert parse(saying(ttl=10**9)).bounded_ttl == 3600
    assert parse(saying(ttl=-5)).bounded_ttl == 1
    assert parse(saying(ttl=0)).bounded_ttl == 1
    assert parse(saying(ttl=90.5)).bounded_ttl == 90.5


def test_no_text_of_a_lock_file_moves_the_cursor_or_hides() -> None:
    record = parse(saying(user="\x1b[2Jroot", host="a\nb", operation="\u202exe", progress="\ud800\u200b", purpose="\r"))
    words = f"{held_words(record)} {lease_held(record).message}"
    assert words.isprintable()
    assert "?[2Jroot@a?b (pid 4711)" in words


@pytest.mark.parametrize("moment", [2**53 - 1, -(2**53) + 1, 10**12])
def test_a_moment_that_no_calendar_has_is_no_error(moment: int) -> None:
    assert "since a time that no calendar has" in held_words(parse(saying(timestamp=moment)))


def test_the_refusal_names_a_compaction_as_such_and_any_other_purpose_by_name() -> None:
    assert lease_held(RECORD).message == (
        "another compaction is in progress, by operator@alpha (pid 4711) since 2023-11-14 22:13:20 UTC, "
        "c-17, retire 3/12"
    )
    repair = lease_held(replace(RECORD, purpose="repair", operation="", progress=""))
    assert repair.message.startswith("another operation is in progress: repair, by operator@alpha")
    assert repair.exit_code == 11
    assert "--wait 5m" in repair.hint
    assert "seamline lock STORE show" in repair.hint


def test_a_token_is_saved_from_a_file_that_is_no_good_otherwise() -> None:
    assert salvaged_token(saying(v=2)) == 17
    assert salvaged_token(saying(token="17")) == 0
    assert salvaged_token(saying(token=2**60)) == 0
    assert salvaged_token(b"garbage") == 0

"""A mark tells a file from every other content, as it lies on disk; what differs between two looks is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.changes.marks import difference, mark_of_bytes, marks_of, told
from tests.support.gzipped import gzipped
from tests.support.stores import lines, snapshot_of, txn

LINE = lines(txn(0, 9))


@given(
    st.one_of(st.binary(max_size=50), st.sampled_from([b"", LINE, LINE[:-1], LINE * 2, gzipped(LINE), b"\x1f\x8bx"]))
)
def test_the_mark_of_a_look_is_the_mark_of_the_bytes(content: bytes) -> None:
    [mark] = marks_of(snapshot_of({"a.meta": content}).index)
    assert mark == mark_of_bytes("metadata/a.meta", content)


@pytest.mark.parametrize("other", [LINE[:-1], gzipped(LINE), LINE + b"\n", b"", LINE.replace(b"9", b"8")])
def test_contents_that_read_alike_have_different_marks(other: bytes) -> None:
    assert mark_of_bytes("metadata/a.meta", LINE) != mark_of_bytes("metadata/a.meta", other)


def test_what_came_went_and_changed_is_told_by_name_and_number() -> None:
    before = [mark_of_bytes(f"metadata/{name}", name.encode()) for name in "abc"]
    after = [mark_of_bytes(f"metadata/{name}", name.encode()) for name in "bde"]
    after.append(mark_of_bytes("metadata/c", b"another"))
    different = difference(before, after)
    assert different
    assert told(different) == (
        "4 files changed: metadata/d came, metadata/e came, metadata/a is gone, metadata/c is another"
    )
    assert told(different, most=1) == "4 files changed: metadata/d came and 3 more"
    assert not difference(before, reversed(before))


def test_a_hostile_name_is_told_without_its_escapes() -> None:
    mark = mark_of_bytes("metadata/\x1b[2J\u202e.meta", b"")
    assert "\x1b" not in told(difference([], [mark])) and "\u202e" not in told(difference([], [mark]))

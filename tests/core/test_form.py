"""What is written has the form that a store's metadata has; a store of both forms is told, and never made worse."""

from __future__ import annotations

import gzip
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.form import Form, forms_of
from core.gather import GZIP_FREE_BYTES, LIMITS, MAX_GZIP_RATIO
from core.index import Index
from tests.support.gzipped import gzipped, zipped
from tests.support.stores import base_store, lines, snapshot_of, txn

LINE = lines(txn(0, 9))


def index_of(**files: bytes) -> Index:
    return snapshot_of({f"{name}.meta": content for name, content in files.items()}).index


@given(st.binary(max_size=2_000))
def test_gzip_inflates_to_the_very_bytes_and_carries_no_time_and_no_name(text: bytes) -> None:
    stored = Form.GZIP.stored(text)
    assert gzip.decompress(stored) == text
    assert stored[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    assert Form.GZIP.stored(text) == stored
    assert Form.PLAIN.stored(text) == text


def test_the_gzip_command_takes_it_without_a_word() -> None:
    text = lines(*(txn(first, first + 99, f"transaction_{first}-.aaaa/t") for first in range(0, 10_000, 100)))
    done = subprocess.run(["gzip", "-cd"], input=Form.GZIP.stored(text), capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (text, b"")
    assert len(Form.GZIP.stored(text)) < len(text) / 5


def test_what_is_written_is_never_taken_for_a_bomb() -> None:
    text = LINE * 400_000
    assert len(gzipped(text)) * MAX_GZIP_RATIO + GZIP_FREE_BYTES < len(text) < LIMITS.file_bytes
    assert index_of(a=gzipped(text)).files[0].fault is not None
    [file] = index_of(a=Form.GZIP.stored(text)).files
    assert (file.fault, file.lines, file.gzip) == (None, 400_000, True)


@pytest.mark.parametrize(
    ("files", "form", "mixed"),
    [
        ({}, Form.PLAIN, False),
        ({"a": LINE}, Form.PLAIN, False),
        ({"a": gzipped(LINE)}, Form.GZIP, False),
        ({"a": gzipped(LINE), "empty": b""}, Form.GZIP, False),
        ({"a": LINE, "cut": gzipped(LINE)[:-9]}, Form.PLAIN, False),
        ({"a": gzipped(LINE), "cut": gzipped(LINE)[:-9]}, Form.GZIP, False),
        ({"a": gzipped(LINE), "b": LINE}, Form.PLAIN, True),
        ({"a": LINE, "nothing": gzipped(b"")}, Form.PLAIN, True),
    ],
)
def test_files_that_say_nothing_or_can_not_be_read_do_not_count(
    files: dict[str, bytes], form: Form, mixed: bool
) -> None:
    forms = forms_of(index_of(**files))
    assert (forms.only, forms.mixed) == (form, mixed)


def test_the_files_of_the_rarer_form_are_named() -> None:
    few_gzip = snapshot_of(base_store() | {"x.meta": gzipped(LINE)}).index
    told = "1 file of metadata/ is gzip and 8 plain. In gzip form: metadata/x.meta"
    assert forms_of(few_gzip).told == told
    few_plain = snapshot_of(zipped(base_store()) | {"x.meta": LINE}).index
    told = "8 files of metadata/ are gzip and 1 plain. In plain form: metadata/x.meta"
    assert forms_of(few_plain).told == told

"""Text from a store reaches the terminal harmless and readable, whatever it holds."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.safe_text import fit, safe, shorten

HOSTILE = {
    "\x1b]52;c;Zm9v\x07": r"\x1b]52;c;Zm9v\x07",
    "a\u202egnp.exe": r"a\u202egnp.exe",
    "line\nbreak\ttab\r": r"line\x0abreak\x09tab\x0d",
    "\udcff\udc80": r"\xff\x80",
    "\ud800": r"\ud800",
    "zero\u200bwidth": r"zero\u200bwidth",
    "e\u0301": r"e\u0301",
    "\x9b31m": r"\x9b31m",
    "\U000e0041": r"\U000e0041",
    "no\u00a0break": r"no\xa0break",
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items())
def test_a_hostile_character_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert safe(text) == shown


@pytest.mark.parametrize(
    "text", ["transaction_0-999.meta", "[/x].meta", "[red]a.meta", "ж数", "x[@click=app.quit]y[/]"]
)
def test_an_ordinary_name_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@given(st.text(alphabet=st.characters(codec=None), max_size=40))
def test_nothing_that_a_terminal_acts_on_is_left(text: str) -> None:
    assert all(unicodedata.category(character)[0] not in "CM" for character in safe(text))
    safe(text).encode("utf-8")


@given(st.text(max_size=60), st.integers(min_value=0, max_value=30))
def test_shortened_text_never_takes_more_than_its_cells(text: str, width: int) -> None:
    assert cell_len(shorten(text, width)) <= width
    assert cell_len(fit(safe(text), width)) <= width


def test_what_does_not_fit_is_cut_out_of_the_middle() -> None:
    assert shorten("transaction_1180000000-.a1f3/transaction.manifest", 20) == "transactio….manifest"
    assert shorten("short", 5) == "short"

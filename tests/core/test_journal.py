"""The journal tells from its names what began and what did not end; what it says is read strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.changes.model import OperationKind
from core.journal import Piece, greatest_token, interrupted_in, new_operation_id, operations_in, piece_handle
from core.journal.documents import Intent, JournalFault, Outcome, decode, encode
from core.journal.names import is_operation_id
from core.storage.protocol import Listed, ListedKind

FIRST = "20231114T221320Z-000009-compact-0123abcd"
LATER = "20231114T000000Z-000010-undo-0123abcd"


def _journal(*names: str) -> list[Listed]:
    return [Listed(f"seamline/journal/{name}", ListedKind.FILE, 1, 0.0) for name in sorted(names)]


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 2**53), st.sampled_from(list(OperationKind)))
def test_every_operation_has_a_name_that_is_known_again(moment: float, token: int, kind: OperationKind) -> None:
    name = new_operation_id(moment, token, kind, "0123456789abcdef")
    assert is_operation_id(name)
    [found] = operations_in(_journal(f"{name}.intent.json"))
    assert (found.id, found.token, found.kind) == (name, token, kind)


def test_tokens_order_operations_whatever_the_clock_said() -> None:
    names = [f"{each}.intent.json" for each in (FIRST, LATER)]
    assert [found.id for found in operations_in(_journal(*names))] == [FIRST, LATER]


def test_an_operation_is_interrupted_until_it_ended_or_was_taken_back() -> None:
    began = [f"{FIRST}.undo.tar", f"{FIRST}.intent.json", f"{FIRST}.steps.jsonl"]
    assert [found.id for found in interrupted_in(_journal(*began))] == [FIRST]
    assert not interrupted_in(_journal(*began, f"{FIRST}.outcome.json"))
    assert not interrupted_in(_journal(*began, f"{FIRST}.undone.json"))
    assert not interrupted_in(_journal(*began[:1], *began[2:]))


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        f"{FIRST}.intent.json.tmp",
        f"{FIRST}.other.json",
        FIRST.replace("compact", "format") + ".intent.json",
        f"x{FIRST}.intent.json",
        FIRST.replace("000009", "9" * 30) + ".intent.json",
    ],
)
def test_other_names_in_the_journal_are_passed_over(name: str) -> None:
    assert not operations_in(_journal(name))
    assert greatest_token(_journal(name, f"{FIRST}.undo.tar")) == 9


def test_a_token_counts_even_if_its_operation_never_began() -> None:
    assert greatest_token(_journal(f"{LATER}.undo.tar", f"{FIRST}.intent.json")) == 10
    assert greatest_token([]) == 0


def _intent() -> Intent:
    return Intent(
        v=1,
        operation=FIRST,
        kind=OperationKind.COMPACT,
        label="",
        token=9,
        at=1_700_000_000.5,
        user="operator",
        host="alpha",
        pid=1,
        app="seamline",
        plan_id="0" * 16,
    )


def test_documents_are_read_as_they_were_written() -> None:
    outcome = Outcome(v=1, operation=FIRST, finished=True, at=1.5, token=9, notes=("a", "b"))
    assert decode(encode(outcome), Outcome, FIRST) == outcome
    assert decode(encode(_intent()), Intent, FIRST) == _intent()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"v": 1', b'"v": 2', "version 2"),
        (b'"token": 9', b'"token": -1', "token"),
        (b'"token": 9', b'"token": "9"', "int"),
        (FIRST.encode(), LATER.encode(), "another operation"),
        (b'"kind": "compact"', b'"kind": "format"', "kind"),
        (b'"writes": []', b'"writes": [' + b"[" * 100_000, "recursion"),
        (b"{", b"\xff{", "malformed"),
    ],
)
def test_a_document_that_says_something_else_is_refused(old: bytes, new: bytes, says: str) -> None:
    data = encode(_intent())
    assert old in data
    with pytest.raises(JournalFault, match=says):
        decode(data.replace(old, new, 1), Intent, FIRST)


@pytest.mark.parametrize("cut", [0, 1, 10, 200])
def test_a_torn_document_is_refused(cut: int) -> None:
    with pytest.raises(JournalFault):
        decode(encode(_intent())[:cut], Intent, FIRST)


def test_the_pieces_of_an_operation_lie_beside_each_other() -> None:
    assert piece_handle(FIRST, Piece.INTENT) == f"seamline/journal/{FIRST}.intent.json"

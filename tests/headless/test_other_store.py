"""Another store at a path that was seen before: every command that writes waits for a word of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.demo import build_demo_store
from tests.support.commands import seamline


@pytest.fixture
def replaced(tmp_path: Path) -> Path:
    """A store that was looked at, and in whose place another one lies now."""
    store = tmp_path / "store"
    build_demo_store("clean", store)
    assert seamline("check", store).code == 0
    shutil.rmtree(store)
    build_demo_store("torn-compaction", store)
    return store


def test_a_check_says_which_store_lies_there_and_which_did(replaced: Path) -> None:
    outcome = seamline("check", replaced, "--json")
    first = outcome.document["findings"][0]
    assert (outcome.code, first["kind"], first["blocks"]) == (4, "other-store", True)
    assert first["explanation"].startswith("Another store lies at this path: identity ")
    assert first["next_step"] == f"seamline check {replaced} --accept-other-store"
    assert "listing-shrank" not in {each["kind"] for each in outcome.document["findings"]}


def test_looking_goes_on(replaced: Path) -> None:
    outcome = seamline("restore-plan", replaced)
    assert outcome.code in {0, 3, 4} and "another store lies at this path" in outcome.err


@pytest.mark.parametrize("words", [("compact", "--dry-run"), ("repair", "--yes")])
def test_nothing_is_planned_before_it_is_accepted_by_its_own_word(replaced: Path, words: tuple[str, ...]) -> None:
    for more in ((), ("--accept-shrunk-listing",)):
        outcome = seamline(words[0], replaced, *words[1:], *more, "--json")
        assert outcome.code == 20
        assert "another store lies at this path" in outcome.document["error"]["message"]
        assert "--accept-other-store" in outcome.document["error"]["hint"]
    assert seamline("repair", replaced, "--dry-run", "--accept-other-store").code == 0
    assert seamline("repair", replaced, "--dry-run").code == 0

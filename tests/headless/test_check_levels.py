"""`check` deeper than the lines: level 5, conflicting manifests alone, and what an earlier check saw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import seamline


def test_level_5_says_where_two_manifests_differ(demo_stores: Path) -> None:
    outcome = seamline("check", demo_stores / "same-range", "--level", "5")
    assert outcome.code == 4
    assert "differ first at version 613" in " ".join(outcome.out.split())
    assert "not checked: chunk bytes that are in no conflict" in " ".join(outcome.out.split())
    assert "deeper" not in outcome.out


@pytest.mark.parametrize(("which", "manifests"), [("all", None), ("conflicting", 2)])
def test_conflicting_manifests_alone_are_planned_and_read(demo_stores: Path, which: str, manifests: int | None) -> None:
    outcome = seamline("check", demo_stores / "same-range", "--level", "5", "--manifests", which, "--json-lines")
    documents = [json.loads(line) for line in outcome.out.splitlines()]
    planned = next(each["will_read"]["manifests"] for each in documents if "will_read" in each)
    assert planned == manifests if manifests else planned > 40
    assert any("differ first at version 613" in each.get("explanation", "") for each in documents)


def test_an_answer_that_rests_on_an_earlier_check_says_so(demo_stores: Path) -> None:
    check = ("check", demo_stores / "clean", "--level", "4")
    first, again, afresh = seamline(*check), seamline(*check), seamline(*check, "--afresh")
    assert "earlier check" not in first.out
    assert "results of an earlier check, nothing has changed by size and time" in " ".join(again.out.split())
    assert afresh.out == first.out
    assert json.loads(seamline(*check, "--json").out)["kept_results"] > 40


def test_a_level_that_there_is_not_is_refused(demo_stores: Path) -> None:
    outcome = seamline("check", demo_stores / "clean", "--level", "6")
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no level 6" in outcome.err

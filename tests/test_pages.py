"""What the pages of docs/ say of the code is what there is."""

from __future__ import annotations

from pathlib import Path

from tests.support.pages import hazards_markdown, marked_part

HAZARDS = Path(__file__).parents[1] / "docs" / "hazards.md"


def test_the_page_of_hazards_is_the_catalogue() -> None:
    assert marked_part(HAZARDS, "hazards", hazards_markdown()) == hazards_markdown()

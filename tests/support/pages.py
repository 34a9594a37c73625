"""The parts of pages that are made from the code, and the marks between which they stand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from core.findings import CATALOGUE
from core.findings.hazard import Hazard


def marked_part(page: Path, name: str, wanted: str) -> str:
    """What stands in a page between `<!-- NAME -->` and `<!-- /NAME -->`; `wanted` is put there first if asked for."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(start)
    shown, _, after = rest.partition(end)
    if os.environ.get("SEAMLINE_UPDATE_GOLDENS") == "1":
        page.write_text(f"{before}{start}\n\n{wanted.strip()}\n\n{end}{after}", encoding="utf-8")
        return wanted.strip()
    return shown.strip()


def hazards_markdown() -> str:
    """The catalogue, one section a group and one entry a hazard."""
    return "\n\n".join(
        block
        for group, hazards in groupby(CATALOGUE.values(), lambda hazard: hazard.group)
        for block in (f"## {group.capitalize()}", *(line for hazard in hazards for line in _entry(hazard)))
    )


def _entry(hazard: Hazard) -> Iterator[str]:
    facts = [f"**{hazard.title}**", hazard.severity.value]
    facts.append("no look at a store shows it" if hazard.level is None else f"level {hazard.level}")
    if hazard.blocks is not None:
        facts.append("nothing is planned beside it")
    yield f"### {hazard.id}"
    yield " · ".join(facts)
    yield hazard.summary

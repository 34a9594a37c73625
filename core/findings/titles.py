"""What a hazard is called in front of a person: words instead of its id, which is for JSON and for the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.findings.catalogue import CATALOGUE

#: What stands in the way of a plan and is no hazard of a store, but a rule or a knowledge of this tool.
_OWN: Final[Mapping[str, str]] = {
    "own-bounded-memory": "too large",
    "own-handle-rule": "unsafe name",
    "own-two-selectors": "self-check failed",
    "broken-manifest": "broken manifest",
}


def title_of(kind: str) -> str:
    """One to three words for a kind of finding, note or refusal."""
    hazard = CATALOGUE.get(kind)
    return hazard.title if hazard else _OWN.get(kind, kind.replace("-", " "))

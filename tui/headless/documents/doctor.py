"""The document of `doctor`: every check with what was seen."""

from __future__ import annotations

from typing import Any

from core.doctor import Bars, Examination, Result
from tui.headless.json_text import SCHEMA


def doctor_document(examination: Examination) -> dict[str, Any]:
    """`verdict`: well, usable, no-writing or unreachable; a check's `state`: ok, note, problem or untried.

    `id` is the check's own or that of a hazard; several checks may share one. `bars` is what it keeps from: null,
    "writing" or "reading".
    """
    return {
        "schema": SCHEMA,
        "store": examination.location,
        "verdict": examination.word,
        "checks": [_check_fields(each) for each in examination.results],
    }


def _check_fields(result: Result) -> dict[str, Any]:
    return {
        "id": result.id,
        "title": result.title,
        "state": result.state.value,
        "seen": result.seen,
        "why": result.why or None,
        "next_step": result.next_step or None,
        "bars": None if result.bars is Bars.NOTHING else result.bars.name.lower(),
    }

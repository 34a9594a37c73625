"""How a command that can't answer says so: on stderr for people, as the one JSON document on stdout for scripts."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.invocation import Flag
from tui.headless.json_text import SCHEMA
from tui.headless.output import complain, put_document


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer: exit code, kind, message and hint; `usage` is the command's synopsis, where it helps."""

    code: int
    kind: str
    message: str
    hint: str = ""
    usage: str = ""

    def document(self) -> dict[str, Any]:
        """The one document of a command that has no answer: what went wrong, and what to do."""
        error = {"code": int(self.code), "kind": self.kind, "message": self.message, "hint": self.hint}
        return {"schema": SCHEMA, "error": error}


def report_failure(failure: Failure, arguments: Sequence[str]) -> int:
    """Say it the way the command line asks for, even if that could not be parsed; returns the exit code."""
    options = list(arguments)[: list(arguments).index("--")] if "--" in arguments else arguments
    try:
        if "--json-lines" in options:
            put_document({"message_type": "summary"} | failure.document())
        elif Flag.JSON in options:
            put_document(failure.document())
        else:
            complain(failure.message, failure.hint, failure.usage)
    except OSError:
        with contextlib.suppress(OSError):
            complain(failure.message, failure.hint)
    return int(failure.code)

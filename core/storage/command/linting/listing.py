"""The rule on `list_metadata_files`, an honest failure, and its text taken apart for whoever tries it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.model import Severity
from core.storage.command.linting.model import LintProblem, Subject, rule
from core.storage.command.linting.shell import Script, Simple, read_script

_LISTING: Final = "list_metadata_files"
_CARELESS: Final = ((), ("errexit",), ("pipefail",))


@rule("empty-listing-new-identity")
def hidden_failure(subject: Subject) -> Iterator[LintProblem]:
    """A listing that failed and says nothing of it."""
    script = subject.scripts[_LISTING]
    for simple in script.simples:
        if simple.before == "||" and _does_nothing(simple):
            shown = script.text[simple.before_at : simple.end]
            cut = _cut_start(script, simple.before_at), simple.end
            yield subject.problem(
                "empty-listing-new-identity",
                Severity.ERROR,
                _LISTING,
                simple.before_at,
                f"`{shown}` hides a listing that failed: it looks like an empty store, and stock writes a new identity",
                subject.corrected(_LISTING, simple.before_at, cut, ""),
            )
        elif simple.plain[:2] in (("set", "+e"), ("set", "+o")) and simple.plain[2:] in _CARELESS:
            yield subject.problem(
                "empty-listing-new-identity",
                Severity.ERROR,
                _LISTING,
                simple.words[0].start,
                f"`{' '.join(simple.plain)}` lets a listing that failed pass for an empty one",
                "# take the line out",
            )


def raw_listing(text: str) -> tuple[str, str] | None:
    """A listing that is one pipeline: its first part without what hides a failure, and the filter behind it.

    None for any other.
    """
    script = read_script(text)
    stages = script.stages
    if not stages or len(stages) < 2:
        return None
    start = next(token.start for token in script.tokens if token.text != "\n")
    raw = stages[0][start:].rstrip()
    inner = read_script(raw)
    for simple in reversed(inner.simples):
        if simple.before == "||" and _does_nothing(simple):
            raw = raw[: _cut_start(inner, simple.before_at)] + raw[simple.end :]
    return raw.removesuffix("\\").rstrip(), text[len(stages[0]) :].lstrip("|&").strip()


def _does_nothing(simple: Simple) -> bool:
    return simple.plain in ((":",), ("true",), ("exec",), ("exit", "0"), ("echo",), ("return", "0"))


def _cut_start(script: Script, at: int) -> int:
    while at and script.text[at - 1] in " \t":
        at -= 1
    return at

"""What our own compaction would do with the store that is previewed, or why it would not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from core.changes.model import ChangeSet
from core.compaction import CompactionPlan, Refusal
from core.findings.titles import title_of
from tui.numbers import counted, whole
from tui.state import Session
from tui.widgets.prose import Paragraph, runs

_LABEL: Final = 12
#: Where the first part of an explanation ends, which says what it is about.
_FIRST_WORDS: Final = re.compile(r"[:.;](?: |$)")


def obstacle(plan: CompactionPlan | None, unplanned: str) -> str | None:
    """Why there is no change set to open; `unplanned` says why there is no plan at all."""
    if plan is None:
        return unplanned
    if plan.refusal is not None:
        return f"{title_of(plan.refusal.kind)}: {plan.refusal.explanation}"
    if plan.change_set is None or plan.change_set.is_empty:
        return "the store is compacted already, so there is nothing to do"
    return None


def plan_text(plan: CompactionPlan | None, unplanned: str, session: Session, *, brief: bool) -> Iterator[Paragraph]:
    """What a compaction would do here, or what stands in its way; `brief` where it is told elsewhere too."""
    if session.interrupted:
        before = "Enter shows it, to be resumed or undone before anything else"
        yield _labelled(
            "interrupted", f"{counted(len(session.interrupted), 'operation')} did not end: {before}", "conflict"
        )
    if plan is None:
        yield _labelled("no plan", unplanned, "conflict")
    elif plan.refusal is not None:
        yield from _refusal(plan.refusal, brief)
        yield from _repair_first(session)
    elif plan.change_set is not None:
        yield _ours(plan.change_set, session)


def _labelled(label: str, content: str, style: str = "text") -> Paragraph:
    return runs((f"{label:<{_LABEL}}", "dim"), (content, style), indent=1, hanging=1 + _LABEL)


def _refusal(refusal: Refusal, brief: bool) -> Iterator[Paragraph]:
    why = _FIRST_WORDS.split(refusal.explanation, maxsplit=1)[0] if brief else refusal.explanation
    yield runs(
        (f"{'refused':<{_LABEL}}", "dim"),
        (f"{title_of(refusal.kind)}: ", "conflict"),
        (why, "text"),
        indent=1,
        hanging=1 + _LABEL,
    )
    if refusal.next_step:
        yield _labelled("next", refusal.next_step, "key")
    if refusal.then and not brief:
        yield _labelled("then", refusal.then)


def _repair_first(session: Session) -> Iterator[Paragraph]:
    """The way to the repair, where one is of use, or as long as nobody knows."""
    outlook = session.outlook
    if outlook is None:
        words = ": repair, which may take what is in the way out of it"
    elif outlook.repair_helps and outlook.repair_to is not None:
        words = f": repair first, which makes stock restore to {whole(outlook.repair_to)}"
    elif outlook.repair_helps:
        words = ": repair first"
    else:
        return
    yield runs(("p", "key"), (words, "text"), indent=1, hanging=1)


def _ours(change: ChangeSet, session: Session) -> Paragraph:
    if change.is_empty:
        return _labelled("seamline", "there is nothing to do: the store is compacted already", "good")
    did = [f"writes {whole(len(change.all_writes))}", f"retires {whole(len(change.retires))}"]
    if change.kept:
        did.append(f"keeps {whole(len(change.kept))} whose lines are nowhere else")
    became = f"{counted(change.files_before, 'file')} become {whole(change.files_after)}"
    enter = "this session is read-only" if session.read_only else "Enter opens the change set"
    return _labelled("seamline", f"{', '.join(did)}: {became}; {enter}", "good")

"""What comparing the records says: what it would read, how far it is, what came of it, what is not checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.invocation import STOCK_PROGRAM
from core.manifests import ContentComparison, RecordPlace, Verdict
from core.model import end_of
from tui.comparison import LETTERS, Comparison, Content, ContentPhase
from tui.numbers import counted, size, whole
from tui.widgets.prose import Paragraph, text

_REST: Final = f"proofs, signatures. {STOCK_PROGRAM} can verify them."


def content_text(content: Content) -> Iterator[Paragraph]:
    """The offer or the progress, and what is known already."""
    if content.phase is ContentPhase.OFFERED:
        a, b = map(size, content.to_read)
        yield text(f"Comparing the records reads at most {a} of A and {b} of B: v again begins, Esc leaves it.", "key")
    elif content.phase is ContentPhase.RUNNING:
        yield text(f"Comparing the records: {_far(content)} read. Esc stops.", "key")
    elif content.phase is ContentPhase.STOPPED:
        yield text(f"Stopped after {_far(content)}: nothing was found out.", "snapshot")
    if content.result is not None:
        yield from _verdict(content.result)


def _far(content: Content) -> str:
    total = sum(content.to_read)
    share = f", {min(100, 100 * content.done // total)}%" if total else ""
    return f"{size(content.done)} of {size(total)}{share}"


def _verdict(result: ContentComparison) -> Iterator[Paragraph]:
    if result.verdict is Verdict.EQUAL:
        yield text(f"Equal: both hold the same records in {_all_of(result)}. Either may be chosen.", "good")
        yield text(f"{size(result.bytes)} on either side were compared.", "dim")
    elif result.verdict is Verdict.DIFFERS:
        yield from _difference(result)
    else:
        yield text(f"Can't tell whether the records are equal: {result.why}.", "snapshot")
        yield from _equal_before(result)


def _all_of(result: ContentComparison) -> str:
    count = 0 if result.first is None or result.last is None else end_of(result.last) - result.first
    if count == 1:
        return f"the one shared {result.unit}"
    return f"all {whole(count)} shared {result.unit}s"


def _difference(result: ContentComparison) -> Iterator[Paragraph]:
    if result.a is None or result.b is None:
        at = "" if result.at is None else f" at {result.unit} {whole(result.at)}"
        yield text(f"Different{at}: {result.why}.", "conflict")
    else:
        chunks = f"chunk {whole(result.a.chunk)} of A, chunk {whole(result.b.chunk)} of B"
        yield text(f"Different at {result.unit} {whole(result.at or 0)}: {chunks}.", "conflict")
        yield from _equal_before(result)


def places_text(result: ContentComparison | None) -> Iterator[Paragraph]:
    """Where the records stand that differ first."""
    places = (result.a, result.b) if result is not None else (None, None)
    for letter, place in zip(LETTERS, places, strict=True):
        if place is not None:
            yield text(f"{letter} differs: {_place(place)}", "dim", 0, 3)


def _place(place: RecordPlace) -> str:
    return f"{counted(place.size, 'byte')} at byte {whole(place.offset)} of {place.file}"


def _equal_before(result: ContentComparison) -> Iterator[Paragraph]:
    if result.at is not None and result.first is not None and result.at > result.first:
        yield text(f"Every {result.unit} before {whole(result.at)} is equal.")


def not_checked_words(comparison: Comparison) -> str:
    """What nobody looked at."""
    result = comparison.result
    if result is None or result.verdict is Verdict.UNKNOWN:
        return f"Not checked: chunk bytes, {_REST}"
    if result.verdict is Verdict.DIFFERS and result.a is not None:
        return f"Not checked: what follows the difference, {_REST}"
    return f"Not checked: {_REST}"

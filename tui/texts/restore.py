"""What the restore preview says: the verdict in words, what is missing and how to back it up, the state in a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.chain import Gap, GapKind, gap_command
from core.findings.titles import title_of
from core.model import Severity
from core.overlay import RestoreSize, WrittenOverlay, restore_size
from core.recovery import Recovery, choice_sentences
from core.restore import (
    HighestTargets,
    Needs,
    RestorePreview,
    WayThrough,
    lower_failure,
    preview_sentences,
    stock_words,
)
from core.tools import tools_for
from tui.numbers import counted, size, whole
from tui.texts.common import lane_span
from tui.texts.recovery import checked_words, lines_text
from tui.widgets.prose import Paragraph, runs, text

GAPS_SHOWN = 50
_LABEL = 24


def state_word(preview: RestorePreview) -> tuple[str, str]:
    """The answer in a word, and its style: OK, STOPS, LANDS SHORT, and whether a chain works."""
    stock = preview.stock
    if not stock.ok:
        word = "STOPS"
    elif falls_short(preview) or preview.needs is not Needs.NOTHING:
        word = "LANDS SHORT"
    else:
        return "OK", "good"
    if preview.needs is Needs.OVERLAY:
        return f"{word}, works with a chain", "snapshot"
    return word, "conflict"


def falls_short(preview: RestorePreview) -> bool:
    """Whether the target lies above everything in the store, so that a restore ends below it without an error."""
    return preview.requested is not None and preview.goal is not None and preview.requested > preview.goal


def highest_words(highest: HighestTargets, history: int | None) -> str:
    """The highest target that works and what it takes, short enough for the status line; stock's own if it is lower."""
    if highest.best is None:
        return "no target works" + ("" if history is None else f" with history from {whole(history)}")
    if not highest.needs_chain:
        return f"highest: {whole(highest.best)}, with stock as the store is"
    alone = "nothing" if highest.stock is None else whole(highest.stock)
    return f"highest: {whole(highest.best)} with an overlay or a repair; {alone} with stock alone"


def verdict_text(recovery: Recovery, highest: HighestTargets, location: str) -> list[Paragraph]:
    """The verdict, what works, what comes from where, what is missing, what to know, what was not checked."""
    preview = recovery.preview
    stock, *_ = preview_sentences(preview)
    bad = preview.needs is not Needs.NOTHING or falls_short(preview)
    return [
        text(stock + _short_words(preview), "conflict" if bad else "good"),
        text(_chain_words(preview), "strong"),
        *_choice_text(recovery),
        *_reach_text(preview, highest),
        *_size_text(recovery),
        *lines_text(recovery),
        *gap_text(preview, location),
        *(_way_text(preview, way) for way in preview.ways_through),
        *_note_text(preview),
        text(f"{checked_words(recovery)}, disk space on the node.", "dim"),
    ]


def _short_words(preview: RestorePreview) -> str:
    """That the target is not in the store at all."""
    if not falls_short(preview):
        return ""
    asked, latest = whole(preview.requested or 0), whole(preview.goal or 0)
    return f" Asked for {asked}, it ends there without an error: {latest} is the latest version."


def _chain_words(preview: RestorePreview) -> str:
    """What the chain does for this target."""
    best = preview.best
    if preview.goal is None:
        return "There are no transactions: nothing can be restored."
    if best is None:
        return "No restore is possible from what is here."
    lands = f"{counted(best.manifests, 'manifest leads', 'manifests lead')} to {whole(best.lands_at)}"
    if preview.needs is Needs.NOTHING:
        return f"The chain lands there too: {lands}."
    if preview.needs is Needs.OVERLAY:
        return f"Works with an overlay: {lands}. o writes one, and the store is not touched; p repairs the store."
    lane = preview.transactions.lane.kind
    missing = sum(gap.last + 1 - gap.first for gap in preview.gaps if gap.lane is lane)
    if not missing:
        return f"A chain reaches {whole(best.lands_at)}, not {whole(preview.goal)}."
    versions = counted(missing, "version")
    reaches = f"A chain reaches {whole(best.lands_at)}, and o writes an overlay for that"
    return f"{reaches}; {versions} must be backed up again for {whole(preview.goal)}."


def _size_text(recovery: Recovery) -> Iterator[Paragraph]:
    """How much the restore reads, as far as anybody has looked."""
    if recovery.preview.best is not None:
        yield _fact("It reads", size_words(restore_size(recovery, recovery.evidence)), "")


def size_words(known: RestoreSize) -> str:
    """`46 manifests, 120 chunks, 4.71 GiB`, or how little of that is known."""
    manifests = counted(known.manifests, "manifest")
    if not known.chunks_known:
        return f"{manifests}; how many chunks and bytes is not known"
    chunks = f"{counted(known.chunks, 'chunk')}, {size(known.chunk_bytes)}"
    if known.bytes_known == known.manifests:
        return f"{manifests}, {chunks}"
    looked = f"{whole(known.bytes_known)} that {'was' if known.bytes_known == 1 else 'were'} looked into"
    return f"{manifests}; {chunks} in the {looked}, the rest is not known"


def _reach_text(preview: RestorePreview, highest: HighestTargets) -> Iterator[Paragraph]:
    """How far these files go at all: by stock alone, and with what this screen proposes."""
    verdict, history = preview.verdict, preview.options.ledger_history_start
    works = [] if highest.stock is None else [f"{whole(highest.stock)} with stock alone"]
    if highest.needs_chain and highest.chain is not None:
        works.append(f"{whole(highest.chain)} with an overlay or a repair")
    name = "Highest target that works" if history is None else "Highest with that history"
    yield _fact(name, "   ".join(works) or "none", "   b  use it" if works else "")
    if history is not None:
        return
    if verdict.stock_fails_from is not None:
        other = lower_failure(verdict) is not None
        said = f" {stock_words(verdict.stock_first_error)}" if other and verdict.stock_first_error else ""
        yield _fact("Lowest target that fails", whole(verdict.stock_fails_from), f"   with stock alone{said}")
    elif not verdict.stock_restores_latest and verdict.latest is not None:
        yield _fact("Latest version", whole(verdict.latest), "   stock lands lower without an error")


def _fact(name: str, words: str, behind: str) -> Paragraph:
    return runs((f"{name:<{_LABEL + 3}}", "dim"), (words, "strong"), (behind, "dim"), hanging=_LABEL + 3)


def _choice_text(recovery: Recovery) -> Iterator[Paragraph]:
    """What the operator chose on the comparison: what the chain follows, what it can't, and what that costs."""
    unused = {each.manifest for each in recovery.unused_pins}
    for pin in sorted(recovery.wishes.pins - unused):
        yield runs(("chosen by you, and used  ", "good"), (pin, "text"), hanging=2)
    for sentence in choice_sentences(recovery):
        yield text(sentence, "conflict")


def gap_text(preview: RestorePreview, location: str) -> Iterator[Paragraph]:
    """What has to be backed up again, each with stock's own command."""
    gaps, later = preview.gaps, preview.later_gaps
    if gaps:
        yield text(f"Missing on the way to {whole(preview.goal or 0)}: {counted(len(gaps), 'gap')}", "strong")
        yield from _gaps(gaps, location)
    if later:
        where = f"stock's verify, and its compaction at factors above 1, stop at epoch {whole(later[0].first)}"
        yield text(f"Missing above all transactions: a restore works without, {where}", "strong")
        yield from _gaps(later, location)


def _gaps(gaps: Sequence[Gap], location: str) -> Iterator[Paragraph]:
    for gap in gaps[:GAPS_SHOWN]:
        yield runs((f"{gap_words(gap)}  ", "conflict"), (_command(gap, location), "key"), hanging=2)
    more = len(gaps) - GAPS_SHOWN
    if more > 0:
        yield text(f"and {counted(more, 'more gap')}", "dim")


def gap_words(gap: Gap) -> str:
    """A gap: its range, how large, and whether something is there that does not join."""
    many = counted(gap.last + 1 - gap.first, gap.lane.unit)
    kind = "covered, but nothing joins there" if gap.kind is GapKind.NO_JOIN else "no manifest"
    return f"{gap.lane.short} {lane_span(gap.lane, gap.first, gap.last)}, {many}, {kind}:"


def _command(gap: Gap, location: str) -> str:
    return str(gap_command(gap, tools_for(location).storage))


def _way_text(preview: RestorePreview, way: WayThrough) -> Paragraph:
    """What leaving out one side of the overlap would leave to back up."""
    lane = preview.index.lanes[way.lane]
    out = lane_span(way.lane, int(lane.first[way.out_row]), int(lane.last[way.out_row]))
    missing = " and ".join(lane_span(gap.lane, gap.first, gap.last) for gap in way.gaps[:4])
    more = f" and {len(way.gaps) - 4:,} more" if len(way.gaps) > 4 else ""
    then = f"then missing: {missing}{more}" if missing else "then nothing is missing"
    return runs((f"Without {out}  ", "strong"), (lane.manifest(way.out_row), "dim"), (f"  {then}", "text"), hanging=2)


def _note_text(preview: RestorePreview) -> Iterator[Paragraph]:
    for note in preview.notes:
        style = "dim" if note.severity is Severity.INFO else "snapshot"
        yield runs((f"{title_of(note.kind)}: ", style), (note.text, "text"), hanging=2)


def overlay_text(written: WrittenOverlay, told: Sequence[str]) -> list[Paragraph]:
    """An overlay that was written: the command to paste first, then what is to be known of it."""
    return [
        runs(("It is in ", "text"), (written.folder, "strong")),
        text("Restore with it, into a new database:", "text"),
        text(written.command, "key", 2),
        *(text(sentence) for sentence in told),
    ]

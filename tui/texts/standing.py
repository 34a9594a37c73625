"""How the store stands towards writing, for every header: read-only, who holds the lease, what was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui.glyphs import Glyphs
from tui.job import Job, JobPhase
from tui.safe_text import shorten
from tui.state import Session
from tui.widgets.line import Piece, piece

if TYPE_CHECKING:
    from core.changes.ground import ApplyProgress
    from core.lease import LeaseView

_WHO_CELLS: Final = 24
_DOING_CELLS: Final = 24


def standing(session: Session, job: Job | None, glyphs: Glyphs) -> list[Piece]:
    """The pieces, as of the last look or of the operation at work; none for a store that may be written freely."""
    pieces: list[Piece] = []
    if job is not None and job.is_running:
        pieces.append(_own(job))
    elif session.lease is not None:
        pieces += _lease(session.lease, glyphs)
    if session.interrupted and not (job is not None and job.is_running):
        pieces.append(piece(f"{glyphs.problem} interrupted", "conflict"))
    if session.read_only:
        pieces.append(piece("read-only", "strong"))
    return pieces


def step_words(progress: ApplyProgress) -> str:
    """`retire 3/12`: which step comes now, of how many."""
    return f"{progress.step.partition(' ')[0]} {min(progress.done + 1, progress.total):,}/{progress.total:,}"


def _own(job: Job) -> Piece:
    doing = "stopping" if job.phase is JobPhase.STOPPING else job.word
    step = f" {step_words(job.progress)}" if job.progress else ""
    return Piece((("lease: ", "dim"), (f"this app {doing}{step}", "chosen")), 0, (("lease: this app", "chosen"),))


def _lease(lease: LeaseView, glyphs: Glyphs) -> list[Piece]:
    from core.lease import LeaseState, Life

    record = lease.record
    if record is None:
        return [piece("lease unreadable", "conflict", 2)]
    if lease.state is LeaseState.FREE:
        return []
    who = shorten(f"{record.user or '?'}@{record.host or '?'}", _WHO_CELLS, glyphs.ellipsis)
    if lease.state is LeaseState.ENDED:
        return [Piece((("lease: ", "dim"), (f"{who}, ended", "snapshot")), 2, ((who, "snapshot"),))]
    if lease.life is Life.SILENT:
        return [Piece((("lease: ", "dim"), (f"{who}, silent", "snapshot")), 2, ((who, "snapshot"),))]
    doing = " ".join(word for word in (record.purpose, record.progress) if word)
    shown = shorten(doing, _DOING_CELLS, glyphs.ellipsis)
    if not lease.is_alive:
        doubt = (f"{who} {shown}".rstrip(), "snapshot"), (", alive?", "dim")
        return [Piece((("lease: ", "dim"), *doubt), 2, ((f"lease: {who}", "snapshot"),))]
    return [Piece((("lease: ", "dim"), (f"{who} {shown}".rstrip(), "chosen")), 2, ((f"lease: {who}", "chosen"),))]

"""What the operator noted on a problem, in words and with a glyph: decided, or ignored for a reason until when."""

from __future__ import annotations

from core.phrases import moment
from core.triage import Standing, ZoneState
from tui.glyphs import Glyphs
from tui.safe_text import safe
from tui.state import Session
from tui.texts.summary import distinct_entries
from tui.widgets.prose import Paragraph, runs

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def note_words(session: Session, zone: int | None, glyphs: Glyphs) -> tuple[str, str] | None:
    """`● decided: A chosen` or `░ ignored: reason (until …)`, with its style; None for a problem that is open."""
    state = session.notes.get(zone) if zone is not None else None
    if state is None or zone is None:
        return None
    if state.standing is Standing.IGNORED:
        return f"{glyphs.skipped} ignored: {note_more(session, zone)}", "dim"
    return f"{glyphs.decided} decided: {_choice(session, zone, state)}", "chosen"


def note_lead(session: Session, zone: int, glyphs: Glyphs) -> tuple[str, str]:
    """What stands before the title of a problem in the list: `● A chosen: `, `░ ignored: `, or nothing."""
    state = session.notes.get(zone)
    if state is None:
        return "", "text"
    if state.standing is Standing.IGNORED:
        return f"{glyphs.skipped} ignored: ", "dim"
    return f"{glyphs.decided} {safe(_choice(session, zone, state))}: ", "chosen"


def note_more(session: Session, zone: int) -> str:
    """Why a problem is ignored, and until when; empty for one that is not."""
    state = session.notes.get(zone)
    return "" if state is None or state.standing is not Standing.IGNORED else f"{state.reason}{_until(state)}"


def note_text(session: Session, glyphs: Glyphs) -> list[Paragraph]:
    """The note on the selected problem, and how to open it again."""
    words = note_words(session, session.zone, glyphs)
    if words is None:
        return []
    return [runs(words, ("   m opens it again", "dim"), hanging=2)]


def _until(state: ZoneState) -> str:
    return "" if state.until is None else f" (until {moment(state.until, seconds=False)})"


def _choice(session: Session, zone: int, state: ZoneState) -> str:
    """The entries that are chosen, by the letters that the inspector gives them, or else by name."""
    entries = distinct_entries(session.zones[zone])
    letters = {entry.manifest: letter for letter, entry in zip(LETTERS, entries, strict=False)}
    pins = ", ".join(sorted(letters.get(pin, pin) for pin in state.pins))
    vetoes = ", ".join(sorted(letters.get(veto, veto) for veto in state.vetoes))
    parts = [f"{pins} chosen" if pins else "", f"{vetoes} left out" if vetoes else ""]
    return ", ".join(filter(None, parts))

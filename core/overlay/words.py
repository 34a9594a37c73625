"""An overlay in sentences, for whoever is about to write one."""

from __future__ import annotations

from core.overlay.estimate import RestoreSize
from core.overlay.model import Overlay
from core.overlay.origin import FolderOrigin
from core.phrases import count, shown


def describe(overlay: Overlay, size: RestoreSize) -> tuple[str, ...]:
    """What an overlay does, what is in it and what to know of it, a sentence each."""
    return (
        _reach(overlay),
        _content(overlay),
        _reading(size),
        *_warnings(overlay),
    )


def _reach(overlay: Overlay) -> str:
    today = overlay.recovery.preview.verdict.stock_restorable_to
    now = "as things are it restores nothing" if today is None else f"as things are it restores to {today:,}"
    goal = overlay.recovery.preview.goal
    short = "" if goal in (None, overlay.best.lands_at) else f", short of {goal:,}"
    return f"Through the overlay unpatched stock restores to version {overlay.best.lands_at:,}{short}; {now}."


def _content(overlay: Overlay) -> str:
    derived = f" and {count(len(overlay.derived), 'derived manifest')}" if overlay.derived else ""
    size = sum(map(len, overlay.files.values()))
    return (
        f"It holds {count(len(overlay.metadata), 'metadata file')}{derived}, {size:,} bytes; the store is not touched."
    )


def _reading(size: RestoreSize) -> str:
    unknown = size.manifests - size.chunks_known
    if not size.chunks_known:
        return f"The restore reads {count(size.manifests, 'manifest')}; nobody has looked at their chunks."
    words = f"The restore reads {count(size.manifests, 'manifest')} and {count(size.chunks, 'chunk')}"
    words += f", and those of {count(unknown, 'manifest')} that nobody has looked at" if unknown else ""
    if not size.bytes_known:
        return f"{words}."
    least = "at least " if size.bytes_known < size.manifests else ""
    return f"{words}; the chunks take {least}{size.chunk_bytes:,} bytes."


def _warnings(overlay: Overlay) -> tuple[str, ...]:
    stays = "Its folder must stay where it is, and every host that restores with it must have the same paths."
    if isinstance(overlay.origin, FolderOrigin):
        return (f"All else is read from {shown(overlay.origin.path)}.", stays)
    return (
        f"All else is read through the commands of {shown(overlay.location)}.",
        "Its adapter.yaml holds the variables of that configuration, secrets among them: only its owner may read it.",
        stays,
    )

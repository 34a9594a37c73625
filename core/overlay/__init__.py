"""Overlays: a restore by unpatched stock, now, without touching the store (`recovery.md`, "Overlay")."""

from core.overlay.estimate import RestoreSize, restore_size
from core.overlay.model import Overlay
from core.overlay.plan import plan_overlay
from core.overlay.words import describe
from core.overlay.write import WrittenOverlay, write_overlay

__all__ = [
    "Overlay",
    "RestoreSize",
    "WrittenOverlay",
    "describe",
    "plan_overlay",
    "restore_size",
    "write_overlay",
]

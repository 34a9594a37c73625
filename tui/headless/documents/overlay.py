"""The document of `overlay`: what was written, how far stock restores with it, and the command that does."""

from __future__ import annotations

from typing import Any

from core.overlay import Overlay, WrittenOverlay
from tui.headless.documents.restore_plan import choice_fields, gap_fields
from tui.headless.json_text import SCHEMA


def overlay_document(overlay: Overlay, written: WrittenOverlay) -> dict[str, Any]:
    """`files` are metadata files, `derived` manifests, both by their handles, which are paths in the folder as well."""
    preview = overlay.recovery.preview
    sources = preview.ground.sources
    return {
        "schema": SCHEMA,
        "store": overlay.location,
        "folder": written.folder,
        "adapter": written.adapter,
        "requested_target": preview.requested,
        "target_version": preview.goal,
        "restorable_to": overlay.best.lands_at,
        "files": list(overlay.metadata),
        "derived": [{"handle": handle, "spliced_from": sources[handle]} for handle in overlay.derived],
        "private": overlay.private,
        "gaps": [gap_fields(gap, overlay.location) for gap in preview.gaps],
        **choice_fields(overlay.recovery),
        "command": written.command,
    }

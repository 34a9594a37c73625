"""What `overlay` prints: where it lies, the stock command that restores with it, and what to know of it."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from core.overlay import Overlay, WrittenOverlay, describe, restore_size
from core.recovery import choice_sentences
from tui.headless.printers.layout import GOOD, WARN, Lines, commands, headline, prose, verbatim
from tui.headless.printers.restore_plan import choice_lines, gap_lines
from tui.numbers import whole


def overlay_answer(overlay: Overlay, written: WrittenOverlay) -> Group:
    """The whole answer."""
    preview = overlay.recovery.preview
    wanted = preview.wanted
    reach = f"with this overlay stock restores to {whole(overlay.best.lands_at)}"
    if wanted == overlay.best.lands_at:
        lines: Lines = [headline("DONE", GOOD, reach)]
    else:
        lines = [headline("SHORT", WARN, f"{reach} only, not to {whole(wanted or 0)}")]
    lines += [*commands("now", written.command), Text()]
    lines += choice_lines(choice_sentences(overlay.recovery))
    lines += [verbatim("store", overlay.location), verbatim("folder", written.folder)]
    size = restore_size(overlay.recovery, overlay.recovery.evidence)
    lines += [prose("know" if not number else "", text) for number, text in enumerate(describe(overlay, size))]
    return Group(*lines, *gap_lines(preview))

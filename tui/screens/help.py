"""The help: every key of the screen underneath, in groups, with why one may be disabled; then the signs."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tui.commands import GROUPS, Context, commands_on
from tui.faults import KeepsGoing
from tui.glyphs import Glyphs
from tui.screens.base import SeamlineScreen
from tui.widgets.painted import STYLE_CLASSES
from tui.widgets.panel import Panel
from tui.widgets.prose import BLANK, Paragraph, Prose, runs, text

_KEY_CELLS = 18


class HelpScreen(KeepsGoing, ModalScreen[None]):
    """Lists the commands of one screen."""

    CSS_PATH = "help.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = {*STYLE_CLASSES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss(None)", "Close", show=False),
        Binding("j,down", "row(1)", "Down", show=False),
        Binding("k,up", "row(-1)", "Up", show=False),
        Binding("space,pagedown", "page(1)", "Page down", show=False),
        Binding("b,pageup", "page(-1)", "Page up", show=False),
        Binding("home", "end(0)", "First row", show=False),
        Binding("end,G,shift+g", "end(1)", "Last row", show=False),
    ]

    def __init__(self, of: SeamlineScreen) -> None:
        super().__init__()
        self._about = of.context()
        self._glyphs = of.glyphs

    def compose(self) -> ComposeResult:
        """One panel."""
        yield Panel(
            Prose(id="help-text"),
            title=f"Keys on this screen: {self._about.screen}",
            hint="Space next page   Esc close",
        )

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one(Prose).show_text(help_text(self._about, self._glyphs))

    def action_row(self, step: int) -> None:
        """A row up or down."""
        self.query_one(Prose).move(step)

    def action_page(self, step: int) -> None:
        """A page up or down."""
        prose = self.query_one(Prose)
        prose.move(step * prose.page)

    def action_end(self, last: int) -> None:
        """The first row or the last."""
        prose = self.query_one(Prose)
        prose.move_to(last * prose.row_count)


def help_text(context: Context, glyphs: Glyphs) -> list[Paragraph]:
    """The keys in groups, then what the signs mean."""
    found: list[Paragraph] = []
    commands = sorted(commands_on(context.screen), key=lambda command: GROUPS.index(command.group))
    for group, members in groupby(commands, key=lambda command: command.group):
        found.append(text(group, "strong"))
        for command in members:
            reason = command.enabled(context)
            keys = "  ".join(command.key_names).ljust(_KEY_CELLS)
            parts = [(keys, "dim" if reason else "key"), (command.help, "dim" if reason else "text")]
            if reason:
                parts.append((f" (not now: {reason})", "dim"))
            found.append(runs(*parts, indent=2, hanging=2 + _KEY_CELLS))
        found.append(BLANK)
    return [*found, *signs_text(glyphs)]


def signs_text(glyphs: Glyphs) -> list[Paragraph]:
    """The legend of the pictures."""
    signs = (
        (glyphs.covered, "covered", "covered, all of the column"),
        (glyphs.part, "covered", "covered, but something in the column is missing"),
        (glyphs.begins, "covered", "a manifest begins here"),
        (glyphs.missing, "missing", "missing"),
        (glyphs.conflict, "conflict", "conflict: two manifests for the same versions"),
        (glyphs.snapshot, "snapshot", "state snapshot"),
        (glyphs.chosen, "chosen", "chosen for a restore"),
        (glyphs.skipped, "skipped", "skipped, or not reached"),
        (glyphs.problem, "conflict", "a problem; "),
    )
    rows = [runs((f"{glyph} ".ljust(4), style), (meaning, "text"), indent=2) for glyph, style, meaning in signs[:-1]]
    last = runs(
        (f"{glyphs.problem} ".ljust(4), "conflict"), (f"a problem, {glyphs.gap} where it is a gap", "text"), indent=2
    )
    return [text("Signs", "strong"), *rows, last]

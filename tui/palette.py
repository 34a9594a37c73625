"""The command palette (ctrl+p): the commands of the screen in front, disabled ones with their reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.markup import escape

from tui.commands import commands_on
from tui.faults import KeepsGoing
from tui.screens.base import SeamlineScreen


class Palette(KeepsGoing, CommandPalette):
    """Commands, or themes, by name."""

    def _action_command_list(self, action: str) -> None:
        """Move in the list. One of which nothing is laid out yet knows no pages: Textual would look for its lines."""
        if action.startswith("page_") and not self.query_one(CommandList).scrollable_content_region:
            return
        super()._action_command_list(action)


class CommandsProvider(Provider):
    """The palette's list of commands: those of the screen in front, disabled ones with their reason."""

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for title, text, run in self._commands():
            yield DiscoveryHit(title, run, help=text)

    async def search(self, query: str) -> Hits:
        """The commands whose label or help matches."""
        matcher = self.matcher(query)
        for title, text, run in self._commands():
            score = max(matcher.match(title), matcher.match(text) * 0.8)
            if score > 0:
                yield Hit(score, matcher.highlight(title), run, help=text)

    def _commands(self) -> list[tuple[str, str, Callable[[], Any]]]:
        screen = self.screen
        if not isinstance(screen, SeamlineScreen):
            return []
        context = screen.context()
        found = []
        for command in commands_on(screen.SCREEN):
            if command.id == "palette":
                continue
            reason = command.enabled(context)
            keys = " ".join(command.key_names)
            text = f"{keys}   {command.help}" + (f" Not now: {reason}." if reason else "")
            # Why a command is disabled may name something of the store; the palette takes help for markup.
            found.append((command.label, escape(text), _runner(screen, command.id)))
        return found


def _runner(screen: SeamlineScreen, command_id: str) -> Callable[[], Any]:
    async def run() -> None:
        await screen.action_command(command_id)

    return run

"""Noting on a problem that it is to be left alone, with a reason and until when; and opening it again.

A note marks the problem and moves it to the end of the list. Nothing is written to the store, and no verdict changes.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from core.phrases import moment
from core.triage import OPEN, Standing, ZoneState
from tui.screens.ask import AskScreen
from tui.screens.base import SeamlineScreen
from tui.triaging import Ignoring, holds, parse_ignoring

if TYPE_CHECKING:
    from core.model import Zone

_EXAMPLE = "a reason   or   3d a reason   or   until 2026-12-01 a reason"


class Marking(SeamlineScreen):
    """`m`, on the problem that `marked_zone` gives."""

    @abstractmethod
    def marked_zone(self) -> Zone | None:
        """The problem that is noted on."""

    def marked(self) -> None:
        """Something else is noted now."""

    def action_mark(self) -> None:
        """Ask why the problem is to be left alone; one that is noted on is open again."""
        zone = self.marked_zone()
        if zone is None:
            return
        if self._state(zone).standing is not Standing.OPEN:
            self._reopen(zone)
            return
        question = AskScreen("Ignore because", _EXAMPLE, check=self._why_not_ignored)
        self.app.push_screen(question, lambda answer: self._ignore(zone, answer))

    def _why_not_ignored(self, answer: str) -> str:
        """Why a problem can't be left alone like that; empty if it can."""
        ignoring = self._ignoring(answer)
        return f"not ignored: {ignoring}" if isinstance(ignoring, str) else ""

    def _ignoring(self, answer: str) -> Ignoring | str:
        engine = self.seamline.engine
        return "the store is not read yet" if engine is None else parse_ignoring(answer, engine.host.now())

    def _state(self, zone: Zone) -> ZoneState:
        notes = self.session.notes
        return next(
            (notes[index] for index, each in enumerate(self.session.zones) if each is zone and index in notes), OPEN
        )

    def _reopen(self, zone: Zone) -> None:
        self._forget_choices(zone)
        fault = self.seamline.note(zone, None)
        self.marked()
        self.say(fault or "open again: nothing is noted on this problem")

    def _ignore(self, zone: Zone, answer: str | None) -> None:
        ignoring = None if answer is None else self._ignoring(answer)
        if not isinstance(ignoring, Ignoring):
            return
        self._forget_choices(zone)
        fault = self.seamline.note(zone, ZoneState(Standing.IGNORED, reason=ignoring.reason, until=ignoring.until))
        self.marked()
        until = "" if ignoring.until is None else f" until {moment(ignoring.until, seconds=False)}"
        kept = "" if self.seamline.notes.lasting else ", for this session"
        self.say(fault or f"ignored{until}{kept}: m on it opens it again; no verdict changes")

    def _forget_choices(self, zone: Zone) -> None:
        """What was chosen there is chosen no more: a problem that is ignored is not decided."""
        wishes = self.seamline.wishes
        self.seamline.wishes = wishes.without([entry for entry in wishes.choices if holds(zone, entry)])

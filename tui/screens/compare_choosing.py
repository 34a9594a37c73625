"""Choosing a side: what the repair with either would do is worked out in a thread, and a choice is noted.

Stepping through pairs does not start a repair plan for each: one begins only when nothing else was asked for a moment.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual import work
from textual.message import Message
from textual.worker import Worker, WorkerState

from core.errors import SeamlineError
from core.triage import OPEN, Standing, ZoneState
from tui.comparison import LETTERS
from tui.recovering import Patience
from tui.screens.compare_content import ContentScreen
from tui.screens.marking import Marking
from tui.state import Session, Wishes
from tui.texts.compare import Repairs
from tui.triaging import holds, zone_of
from tui.weighing import repairs_with

if TYPE_CHECKING:
    from core.choices import WithEntry
    from core.engine import Engine
    from core.manifests import EvidenceProgress
    from core.model import Zone
    from tui.comparison import Pair

#: A repair is planned when no other question came for so many seconds.
QUIET_SECONDS: Final = 0.15
_WAITING: Final = Repairs(waiting="working it out")


@dataclass
class RepairsKnown(Message):
    """What was found out for the question `key`: the repairs, how far that is, or why there are none."""

    key: Hashable
    repairs: Repairs


class ChoosingScreen(ContentScreen, Marking):
    """`a`, `b` and `m`."""

    def __init__(self) -> None:
        super().__init__()
        self.repairs = _WAITING
        self._weighed: Hashable = None
        self._weighing = threading.Event()
        self._zone: int | None = None

    # --- what the repair would do ---------------------------------------------------------------------------------

    def weigh_repairs(self) -> None:
        """Plan the repairs that go with both sides, unless they are planned, or being planned, already."""
        engine, session, comparison = self.seamline.engine, self.session, self.comparison
        if engine is None or comparison is None or session.why_incomplete is not None:
            return
        wishes = self.seamline.wishes
        others = wishes.without(comparison.pair)
        key = (session.snapshot, comparison.key, others.pins, wishes.policy)
        if key == self._weighed:
            return
        self._weighing.set()
        self._weighed, self._weighing, self.repairs = key, threading.Event(), _WAITING
        self._plan_repairs(engine, session, wishes, comparison.pair, key, self._weighing)

    @work(thread=True, exclusive=True, group="repairs", exit_on_error=False, description="repairs")
    def _plan_repairs(
        self, engine: Engine, session: Session, wishes: Wishes, pair: Pair, key: Hashable, over: threading.Event
    ) -> None:
        if over.wait(QUIET_SECONDS):
            return

        def tell(progress: EvidenceProgress) -> None:
            far = f"looking into manifests, {progress.done:,} of {progress.total:,}"
            self.post_message(RepairsKnown(key, Repairs(waiting=far)))

        try:
            found = Repairs(repairs_with(engine, session, wishes, pair, Patience(tell, over.is_set)))
        except SeamlineError as error:
            found = Repairs(waiting=error.message, never=True)
        self.post_message(RepairsKnown(key, found))

    def on_repairs_known(self, message: RepairsKnown) -> None:
        """Show them, unless another question was asked meanwhile."""
        if message.key != self._weighed:
            return
        waited = self.chosen is not None and self.chosen_chain is None
        self.repairs = message.repairs
        if self.repairs.both is None and not self.repairs.never:
            self.show_meaning()
        elif waited:
            self._settle_choice()
        else:
            self.show_everything()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault of the program leaves the repairs unknown."""
        super().on_worker_state_changed(event)
        if event.worker.group == "repairs" and event.state is WorkerState.ERROR:
            found = Repairs(waiting="not known, for a fault in seamline", never=True)
            self.post_message(RepairsKnown(self._weighed, found))

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self._weighing.set()
        super().on_unmount()

    # --- choosing -------------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> int | None:
        """Which side the operator chose."""
        if self.comparison is None:
            return None
        wishes = self.seamline.wishes
        return next((place for place, entry in enumerate(self.comparison.pair) if wishes.chooses(entry)), None)

    @property
    def chosen_chain(self) -> WithEntry | None:
        """What the chain is with the chosen side, as far as that is known."""
        place = self.chosen
        if place is None:
            return None
        if self.repairs.both is not None:
            return self.repairs.both[place].chain
        planned = self._weighed is not None and not self.repairs.never
        return None if planned or self.result is None else self.result.choices[place].chain

    def action_pin_side(self, name: str) -> None:
        """Choose A or B, and note that on the problem; a second time, take the choice back.

        A choice that no chain can follow stays chosen, so that every preview speaks of it, but decides nothing.
        """
        comparison = self.comparison
        if comparison is None:
            return
        place = "ab".index(name)
        entry, other = comparison.pair[place], comparison.pair[1 - place]
        self.seamline.wishes = self.seamline.wishes.choosing(entry, (other,))
        self._settle_choice()
        self.weigh_repairs()

    def _settle_choice(self) -> None:
        """Note what is chosen as far as it can be followed, and say so."""
        fault = self._note_choices()
        self.show_everything()
        self.say(fault or self._said_of_choice())

    def _said_of_choice(self) -> str:
        place, chain = self.chosen, self.chosen_chain
        if place is None:
            return "nothing is chosen"
        letter = LETTERS[place]
        if chain is None:
            return f"{letter} is chosen; whether a chain can use it is being worked out"
        if chain.why_unused is not None:
            return f"{letter} can't be used: {chain.why_unused}"
        kept = "" if self._zone is not None and self.seamline.notes.lasting else ", for this session"
        return f"{letter} is chosen{kept}"

    def _note_choices(self) -> str:
        """Note what is chosen in the problem and can be followed; what was vetoed there stays so."""
        zone = self.marked_zone()
        if zone is None:
            return ""
        pins = frozenset(entry.manifest for entry in self.seamline.wishes.choices if holds(zone, entry))
        pins -= self._not_followed()
        before = self.session.triage.notes.get(zone.id, OPEN)
        if not pins and before.standing is not Standing.DECIDED:
            return ""
        state = ZoneState(Standing.DECIDED, pins, before.vetoes) if pins or before.vetoes else None
        return self.seamline.note(zone, state) if state != before else ""

    def _not_followed(self) -> frozenset[str]:
        """The choices that decide nothing: a chosen side that is not known to be used, and whatever it excludes."""
        place, chain = self.chosen, self.chosen_chain
        if place is None or self.comparison is None:
            return frozenset()
        excluded = self.repairs.both[place].unused if self.repairs.both else frozenset()
        used = chain is not None and chain.used
        return excluded if used else excluded | {self.comparison.pair[place].manifest}

    # --- the problem that both are in -----------------------------------------------------------------------------

    def find_zone(self) -> None:
        """Which problem the two are in, as far as it is known."""
        self._zone = zone_of(self.session, *self.comparison.pair) if self.comparison else None

    def marked_zone(self) -> Zone | None:
        """The problem that both are in."""
        zones = self.session.zones
        return zones[self._zone] if self._zone is not None and self._zone < len(zones) else None

    def marked(self) -> None:
        """A choice may have been forgotten with the note."""
        self.show_everything()
        self.weigh_repairs()

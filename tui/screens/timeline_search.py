"""Go to and find on the timeline: a place is parsed, a name is looked for in a thread so that keys never wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from core.model import Entry
from tui.numbers import EpochPlace, NamePlace, RangePlace, TypedPlace, VersionPlace, counted, parse_place, whole
from tui.screens.ask import AskScreen
from tui.screens.base import SeamlineScreen

if TYPE_CHECKING:
    from core.picture import Picture

_EXAMPLE = "1_185_000_000   1.185b   epoch 4377   1.18b..1.19b   or a part of a name"


class Searching(SeamlineScreen):
    """The commands `g`, `/`, `n` and `N`."""

    hits: tuple[Entry, ...] = ()
    _hit = 0

    def action_go_to(self) -> None:
        """Ask for a place."""
        self.app.push_screen(AskScreen("Go to", _EXAMPLE, check=self._why_no_such_place), self._go_to)

    def action_find(self, wanted: str = "", why: str = "") -> None:
        """Ask for a part of a name; once more for one that is not there."""
        example = "a part of a manifest's or a metadata file's name"
        self.app.push_screen(AskScreen("Find", example, wanted, why=why), self._find)

    def action_find_next(self, step: int) -> None:
        """The next hit; wraps."""
        self._hit = (self._hit + step) % len(self.hits)
        self._show_hit()

    def _go_to(self, answer: str | None) -> None:
        place = parse_place(answer or "")
        if isinstance(place, NamePlace):
            self._find(place.text)
        elif place is not None:
            self._go_to_place(place)

    def _why_no_such_place(self, answer: str) -> str:
        """Why a place can't be gone to; empty for one that can, and for a name, which is looked for."""
        place, picture = parse_place(answer), self.session.picture
        if picture is None or place is None or isinstance(place, NamePlace) or self._span_of(place, picture):
            return ""
        if not picture.end:
            return "this store holds no versions"
        if isinstance(place, VersionPlace):
            return f"the last version in this store is {whole(picture.end - 1)}"
        return "nothing in this store lies there"

    def _go_to_place(self, place: TypedPlace) -> None:
        picture, app = self.session.picture, self.seamline
        span = self._span_of(place, picture) if picture else None
        if span is None:
            return
        typed = isinstance(place, VersionPlace)
        view = app.view.centred(*span) if typed else app.view.fitted(*span, self.size.width)
        app.go(app.session.place.at(view))

    @staticmethod
    def _span_of(place: TypedPlace, picture: Picture) -> tuple[int, int] | None:
        """The versions of a place, as far as the axis goes; None if it begins behind that."""
        if isinstance(place, VersionPlace):
            span: tuple[int, int] | None = (place.version, place.version)
        elif isinstance(place, EpochPlace):
            span = picture.versions_of_epochs(place.epoch, place.epoch)
        else:
            span = (place.first, place.last) if isinstance(place, RangePlace) else None
        return None if span is None or span[0] >= picture.end else (span[0], min(span[1], picture.end - 1))

    def _find(self, answer: str | None) -> None:
        picture = self.session.picture
        if answer and picture is not None:
            self.say(f"looking for {answer}")
            self._search(answer, picture)

    @work(thread=True, exclusive=True, group="find", exit_on_error=False, description="find")
    def _search(self, wanted: str, picture: Picture) -> None:
        from core.picture import find_entries

        found = find_entries(picture, wanted)
        self.app.call_from_thread(self._found, wanted, found)

    def _found(self, wanted: str, found: tuple[Entry, ...]) -> None:
        self.hits, self._hit = found, 0
        if found:
            self._show_hit()
            return
        why = f"no manifest or metadata file has {wanted!r} in its name"
        self.say(why)
        if self.is_current:
            self.action_find(wanted, why)

    def _show_hit(self) -> None:
        entry, picture = self.hits[self._hit], self.session.picture
        span = picture.entry_span(entry) if picture else None
        view = self.seamline.view
        if span is not None:
            view = view.moved(span[0]) if view.start <= span[0] < view.end else view.centred(*span)
        self.seamline.go(self.session.place.on_entry(entry, view))
        self.say(f"{self._hit + 1} of {counted(len(self.hits), 'hit')}: {entry.manifest}")

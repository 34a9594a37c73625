"""What is selected: it follows from where the operator is and what is known of the store. The one place that says so.

The exact version under the cursor decides. A problem there comes before an entry there; what was gone to as such, with
`]`, the list, `.` or a search, comes before what else lies at that version, until the cursor moves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tui.listing import Listing
from tui.state import Place, Selection, Session, View
from tui.triaging import noted

if TYPE_CHECKING:
    from core.lod import LaneIndex
    from core.model import Entry, LaneKind
    from core.picture import Marks, Picture

#: So many of the entries at one version are ever looked at.
MOST_HERE: Final = 6


def selecting(session: Session) -> Session:
    """The session with what is selected at its place, and a list of the problems that it has."""
    if len(session.listing.order) != len(session.zones):
        session = noted(session)
    selection = selection_at(session.picture, session.place, session.listing, session.selection)
    place = session.place
    if selection.zone is not None and selection.zone != place.last:
        place = replace(place, last=selection.zone)
    return replace(session, selection=selection, place=place)


def selection_at(picture: Picture | None, place: Place, listing: Listing, known: Selection | None = None) -> Selection:
    """What is selected at a place, by binary search; the entries of `known` serve again if they are the same."""
    if picture is None:
        return Selection()
    zone, apart = _zone_at(picture.marks, place, listing)
    if not picture.end:
        return Selection(zone, apart=apart)
    index, cursor = picture.lanes[place.lane], place.view.cursor
    places = index.covering(cursor)
    nearest = tuple(places[:MOST_HERE].tolist())
    if known is not None and (known.index, known.places) == (index, nearest):
        here = known.here
    else:
        here = tuple(index.lane.entry(int(index.rows[each])) for each in nearest)
    found = Selection(zone, None, apart, None, here, len(places), None, None, nearest, index)
    if not len(places):
        after = index.place_after(cursor)
        following = int(index.first[after]) if after < len(index.first) else None
        found = replace(found, before=index.held_before(cursor), after=following)
    if apart:
        return found
    entry = _gone_to(picture, place, index, found)
    if entry is not None:
        aside = picture.place_of(entry) is None
        return replace(found, zone=None, entry=entry, apart=aside, within=None if aside else zone)
    return found if zone is not None else replace(found, entry=next(iter(here), None))


def _zone_at(marks: Marks | None, place: Place, listing: Listing) -> tuple[int | None, bool]:
    """The problem at a place, and whether it takes no version."""
    if marks is None or len(listing.order) != len(marks.spans):
        return None, False
    if place.zone is not None and place.zone < len(marks.spans) and marks.spans[place.zone] is None:
        return place.zone, True
    held = marks.lanes[place.lane].holding(place.view.cursor)
    for preferred in (place.zone, place.last):
        if preferred in held:
            return preferred, False
    return min(held, key=listing.ranks.__getitem__, default=None), False


def _gone_to(picture: Picture, place: Place, index: LaneIndex, found: Selection) -> Entry | None:
    """The entry that was gone to as such, as it is now in the store; None if it is not at the cursor any more."""
    entry = place.entry
    if entry is None:
        return None
    at = picture.place_of(entry)
    if at is None:
        return entry if picture.takes_none(entry) else None
    if at not in index.covering(place.view.cursor):
        return None
    return found.here[found.places.index(at)] if at in found.places else index.lane.entry(int(index.rows[at]))


def drawn_cursor(
    session: Session, view: View, lane: LaneKind, width: int, after: int = -1, before: int | None = None
) -> View:
    """The cursor on what its cell is drawn as, in the same column of `width`.

    A cell holds many versions. Where the first of them is in no problem of the lane but another is, or in no entry but
    another is, the cursor goes there, so that what is selected is what is seen. Only versions after `after` and before
    `before` are gone to.
    """
    picture = session.picture
    if picture is None or not picture.end or view.length <= width:
        return view
    marks = picture.marks.lanes[lane] if picture.marks else None
    if marks and marks.holding(view.cursor):
        return view
    column = view.column(view.cursor, width)
    low = max(view.version(column, width), after + 1)
    high = (view.version(column + 1, width) if column + 1 < width else view.end) - 1
    high = high if before is None else min(high, before - 1)
    if low > high:
        return view
    version = marks.first_within(low, high) if marks else None
    if version is None and not len(picture.lanes[lane].covering(view.cursor)):
        version = picture.lanes[lane].first_within(low, high)
    return view if version is None else replace(view, cursor=version)

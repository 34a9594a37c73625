"""What Enter opens where the operator is: the two that compete at the cursor, or the files of what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model import Entry, LaneKind
from tui.comparison import Pair, compete, competing_pairs, in_stock_order
from tui.listing import files_of
from tui.texts.summary import distinct_entries

if TYPE_CHECKING:
    from tui.state import Session


def files_at(session: Session) -> tuple[str, ...]:
    """The metadata files that the selected entry or problem leads to."""
    if session.selected is not None:
        return tuple(dict.fromkeys(claim.file for claim in session.selected.claims))
    return files_of(session.current_zone) if session.current_zone else ()


def competing_at(session: Session) -> Pair | None:
    """The two that compete at the cursor, as far as they belong to what is selected; None if there are none."""
    selected, here = session.selected, session.selection.here
    if selected is not None:
        rival = next((each for each in here if _key(each) != _key(selected) and compete(selected, each)), None)
        if rival is not None:
            return in_stock_order(selected, rival)
    elif session.zone is not None and not session.selection.apart:
        pair = next(iter(competing_pairs(here)), None)
        if pair is not None:
            return pair
    pairs, number = pairs_at(session)
    return pairs[number] if pairs else None


def pairs_at(session: Session) -> tuple[tuple[Pair, ...], int]:
    """All that compete in the problem at the cursor, and which pair is nearest to the cursor and what is selected.

    Where an entry is selected that competes with none, there are no pairs.
    """
    selected = session.selected
    number = session.selection.within if selected is not None else session.zone
    entries: dict[tuple[LaneKind, int, int, str], Entry] = {}
    if number is not None:
        entries |= {_key(entry): entry for entry in distinct_entries(session.zones[number])}
    if number is not None and not session.selection.apart:
        entries |= {_key(entry): entry for entry in session.selection.here}
    if selected is not None:
        entries[_key(selected)] = selected
    pairs = competing_pairs(tuple(entries.values()))
    here = {_key(entry) for entry in session.selection.here}
    wanted = None if selected is None else _key(selected)

    def nearness(number: int) -> tuple[bool, int, int]:
        keys = [_key(entry) for entry in pairs[number]]
        return wanted in keys, sum(key in here for key in keys), -number

    best = max(range(len(pairs)), key=nearness, default=0)
    if wanted is not None and (not pairs or not nearness(best)[0]):
        return (), 0
    return pairs, best


def _key(entry: Entry) -> tuple[LaneKind, int, int, str]:
    """What tells entries apart, whatever is known of the lines that claim them."""
    return entry.lane, entry.first, entry.last, entry.manifest

"""Stock's last steps of a compaction: files get their compaction times, and those past their grace are moved away.

`format.md`, "Compaction", steps 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Final

from core.model import U64_MAX
from core.stock.failure import ADD_OVERFLOW
from core.stock.stops import CompactionStop, Step

_NO_SUCH_FILE: Final = "No such file or directory (os error 2)"
_OTHER_DEVICE: Final = "Invalid cross-device link (os error 18)"


@dataclass(frozen=True, slots=True)
class Aging:
    """What becomes of the files that were there before: all handles, in listing order.

    `stamped` get `now` as their time; `expired` are past their grace and to be moved. Of those, `missing` are not
    listed, so that the move fails, and `foreign` are no handles of metadata files (`timestamps-foreign-handle`): stock
    moves whatever they name. `times` is the whole new map.
    """

    stamped: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    times: Mapping[str, int | None] = field(default_factory=dict)


def age_files(
    handles: Iterable[str],
    known: Mapping[str, int | None],
    unlisted: Set[str],
    grace: int,
    now: int,
    *,
    one_device: bool,
) -> tuple[CompactionStop | None, Aging]:
    """What stops the steps after the last group, if anything, and what they do.

    `handles` are all files but this run's own, `known` the newest map, `unlisted` its keys that the listing lacks;
    `grace` in seconds, `now` in unix seconds. With `one_device` False no move succeeds.
    """
    times: dict[str, int | None] = {}
    stamped: list[str] = []
    expired: list[str] = []
    for handle in handles:
        stamp = known.get(handle)
        if stamp is None:
            stamped.append(handle)
            times[handle] = now
        elif stamp + grace > U64_MAX:
            return CompactionStop(Step.STAMP, ADD_OVERFLOW, panic=True, handle=handle), Aging()
        elif now > stamp + grace:
            expired.append(handle)
        else:
            times[handle] = stamp
    absent = [handle for handle in expired if handle in unlisted]
    foreign = tuple(handle for handle in absent if not is_metadata_handle(handle))
    missing = tuple(handle for handle in absent if is_metadata_handle(handle))
    aging = Aging(tuple(stamped), tuple(expired), missing, foreign, times)
    return _move_stop(aging, one_device), aging


def _move_stop(aging: Aging, one_device: bool) -> CompactionStop | None:
    """A move that is bound to fail; stock moves in no fixed order, so of several any may be the one it reports."""
    failures = dict.fromkeys(aging.missing, _NO_SUCH_FILE)
    failures |= {handle: f"cannot extract filename from {handle}" for handle in aging.foreign if _names_no_file(handle)}
    if not one_device:
        failures |= dict.fromkeys(aging.expired, _OTHER_DEVICE)
    return next((CompactionStop(Step.MOVE, message, handle=handle) for handle, message in failures.items()), None)


def is_metadata_handle(handle: str) -> bool:
    """Whether a handle can only name a direct child of `metadata/`."""
    folder, _, name = handle.rpartition("/")
    return folder == "metadata" and name not in ("", ".", "..")


def _names_no_file(handle: str) -> bool:
    """Whether Rust's `Path::file_name` finds no name in a handle."""
    parts = [part for part in handle.split("/") if part not in ("", ".")]
    return not parts or parts[-1] == ".."

"""Is a listing honest: the same when asked twice, without names that are there all the same, with what is fresh."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from core.doctor.model import Bars, Result
from core.doctor.patient import Patient, StoreKind
from core.doctor.reaching import seconds
from core.doctor.registry import Topic, check
from core.errors import SeamlineError
from core.invocation import Check
from core.names import is_safe_name
from core.phrases import count, listed, shown
from core.storage.protocol import HandleUnreadable, ListedKind

#: Names that are missing in a listing and looked up one by one.
_LOOKED_UP: Final = 20
_LAGS: Final = (
    "a listing that is behind the store makes a plan out of date at best and an entry invisible at worst (listing-lag)"
)


@check("listing", "listed twice")
def twice(patient: Patient, topic: Topic) -> Iterator[Result]:
    """The listing once more; what is missing in either, or was known before, is looked up by its name."""
    again = patient.list_metadata()
    first, second = patient.first.handles, again.handles
    if first != second:
        came, went = sorted(second - first), sorted(first - second)
        changes = ((came, "came"), (went, "went"))
        parts = [f"{len(names):,} {word}, such as {shown(names[0])}" for names, word in changes if names]
        hidden = _there_all_the_same(patient, went)
        seen = f"two listings differ: {'; '.join(parts)}"
        if hidden:
            yield topic.problem(
                f"{seen}; {shown(hidden[0])} is there all the same", _LAGS, patient.again, bars=Bars.WRITING
            )
        else:
            yield topic.note(seen, "somebody writes to this store just now, or its listing lags", patient.again)
        return
    missing = {f"metadata/{name}" for name in patient.known_names} - second
    hidden = _there_all_the_same(patient, missing)
    seen = f"{count(len(second), 'name')} both times, the second time in {seconds(again.seconds)}"
    if hidden:
        yield topic.problem(
            f"{seen}; but {shown(hidden[0])}, seen by an earlier look, is there and not listed",
            _LAGS,
            patient.again,
            bars=Bars.WRITING,
        )
    elif missing:
        yield topic.note(
            f"{seen}; {count(len(missing), 'name')} of an earlier look {'is' if len(missing) == 1 else 'are'} gone",
            "a listing that shrinks is an error until somebody says why",
            str(Check(patient.location)),
        )
    else:
        yield topic.ok(seen, "no proof that nothing is left out: both came from the same storage")


@check("names", "names")
def names(patient: Patient, topic: Topic) -> Iterator[Result]:
    """What stands in `metadata/` besides files with names as stock makes them."""
    odd = [each.handle for each in patient.first.files if not is_safe_name(each.name)]
    folders = [each.handle for each in patient.first.listed if each.kind is not ListedKind.FILE]
    if not (odd or folders):
        yield topic.ok(f"{count(len(patient.first.files), 'name')}, all as stock makes them")
        return
    parts = []
    if folders:
        parts.append(f"{count(len(folders), 'name')} of no file: {listed([shown(each) for each in folders])}")
    if odd:
        parts.append(f"{count(len(odd), 'odd name')}: {listed([shown(each) for each in odd])}")
    why = "a folder in the listing stops every stock command (list-placeholder)" if folders else ""
    if odd:
        why = why or "commands that do not quote names split these (list-name-with-space)"
    yield topic.note("; ".join(parts), why, str(Check(patient.location, level=0)))


@check("fresh-listing", "listed at once", StoreKind.FOLDER | StoreKind.BUCKET)
def fresh(patient: Patient, topic: Topic) -> Iterator[Result]:
    """What was just made must be in the listing of its folder, and what was thrown away not."""
    trial = patient.trial
    if isinstance(trial, SeamlineError) or trial.listed is None:
        yield topic.untried("nothing could be made to be listed", _LAGS)
        return
    faults = [text for is_wrong, text in _lags(trial.listed, trial.gone) if is_wrong]
    if faults:
        yield topic.problem(" and ".join(faults), _LAGS, patient.again, bars=Bars.WRITING)
    else:
        gone = ", and gone from it once it was thrown away" if trial.gone else ""
        yield topic.ok(f"a fresh file was in the listing of its folder at once{gone}")


def _lags(was_listed: bool | None, was_gone: bool | None) -> tuple[tuple[bool, str], ...]:
    return (
        (was_listed is False, "a file that was just made is not in the listing of its folder"),
        (was_gone is False, "a file that was thrown away still is in the listing of its folder"),
    )


def _there_all_the_same(patient: Patient, handles: Collection[str]) -> list[str]:
    """Those of some handles that can be looked up although they are not listed."""
    found = []
    for handle in sorted(handles)[:_LOOKED_UP]:
        patient.heed()
        try:
            patient.reader.stat(handle)
        except HandleUnreadable:
            continue
        found.append(handle)
    return found

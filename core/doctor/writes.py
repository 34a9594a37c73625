"""May this be written, and can a lease be had: tried beside the store, as an operation would do it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.changes.probing import Tried
from core.doctor.model import Bars, Result
from core.doctor.patient import Patient, StoreKind
from core.doctor.reaching import seconds
from core.doctor.registry import Topic, check
from core.errors import Refused, SeamlineError
from core.invocation import Lock
from core.lease import LOCK_HANDLE, MAX_BYTES, LeaseState, held_words, view_of
from core.names import STAGED_FOLDER
from core.storage.protocol import HandleUnreadable, ReadFault

#: Seconds between two clocks that nobody needs to know of, and those that spoil times in a store.
_SMALL_SKEW: Final = 5.0
_BAD_SKEW: Final = 60.0
_NO_PROOF: Final = "this can't prove that the storage compares and writes in one step"
_ON_HOST: Final = "tried on this machine, where the lease lies: it keeps nobody elsewhere from writing"
_OUTSIDE: Final = "tried outside metadata/ alone: rights that differ there show only when something is written"
_BESIDE: Final = "tried beside the store, where the lease lies: what the commands write can't be taken away again"
_FOR_WRITING: Final = "compaction, repair and undo can't be carried out; looking, previews and overlays work"


@check("lease", "lease")
def lease(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Who may write just now."""
    try:
        with patient.reader.open(LOCK_HANDLE) as stream:
            view = view_of(stream.read(MAX_BYTES + 1), patient.machine)
    except HandleUnreadable as unreadable:
        if unreadable.fault is ReadFault.MISSING:
            yield topic.ok("nobody has taken it yet")
        else:
            yield topic.problem(f"it can't be read: {unreadable.message}", _UNREADABLE, _show(patient), Bars.WRITING)
        return
    if view.state is LeaseState.UNREADABLE:
        yield topic.problem(f"the lock file {view.why}", _UNREADABLE, _show(patient), Bars.WRITING)
    elif view.state is LeaseState.FREE or view.record is None:
        yield topic.ok("it is free")
    elif view.state is LeaseState.ENDED:
        yield topic.note(
            f"left by {held_words(view.record)}",
            "its holder has ended on this machine; whoever writes next takes it over",
            str(Lock(patient.location, "release", lease=patient.lease)),
        )
    else:
        yield topic.note(
            f"held by {held_words(view.record)}",
            "whoever else wants to write has to wait; what was tried here is beside what the holder works on",
            _show(patient),
        )


@check("conditions", "conditional writes")
def conditions(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Whether a second create and a stale replace fail (`lease.md`, "Probe before trust")."""
    try:
        with patient.watch.undisturbed():
            peculiarity = patient.operations.try_conditions()
    except Refused as refused:
        yield topic.problem(refused.message, _FOR_WRITING, refused.hint, bars=Bars.WRITING)
        return
    except SeamlineError as error:
        yield topic.untried(error.message, _FOR_WRITING, error.hint, bars=Bars.WRITING)
        return
    yield topic.ok(
        "; ".join(filter(None, ("a second create and a stale replace were refused, as they must be", peculiarity))),
        _ON_HOST if patient.lease.on_host else _NO_PROOF,
    )


@check("write", "writing")
def writing(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Making a file, and that a second one of its name is refused."""
    trial = patient.trial
    if isinstance(trial, SeamlineError):
        yield topic.untried("no lease can be had", _FOR_WRITING, bars=Bars.WRITING)
    elif trial.made.error is not None:
        yield topic.problem(trial.made.error.message, _FOR_WRITING, _hint(trial.made), bars=Bars.WRITING)
    elif trial.overwrites:
        yield topic.problem(
            "a file that was there was made anew, and replaced",
            "nothing protects what stands under a name (cloud-overwrite)",
            "use a storage with conditional writes (If-None-Match)",
            bars=Bars.WRITING,
        )
    elif trial.read is not None and trial.read.error is not None:
        seen = f"what was written can't be read back: {trial.read.error.message}"
        yield topic.problem(seen, _FOR_WRITING, _hint(trial.read), Bars.WRITING)
    else:
        yield topic.ok(
            f"a file in {STAGED_FOLDER}/ was made in {seconds(trial.made.seconds)}, and not made twice",
            _BESIDE if patient.kind is StoreKind.ADAPTER else _OUTSIDE,
        )


@check("flush", "kept on disk", StoreKind.FOLDER)
def flushing(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Whether a folder can be flushed, so that its names outlast a loss of power."""
    trial = patient.trial
    if isinstance(trial, SeamlineError) or trial.flushed is None:
        yield topic.untried("nothing could be made to be flushed")
    elif trial.flushed.error is not None:
        why = "what was written may be gone after a loss of power"
        yield topic.problem(trial.flushed.error.message, why, _hint(trial.flushed), Bars.WRITING)
    else:
        yield topic.ok(f"file and folder were flushed, the folder in {seconds(trial.flushed.seconds)}")


@check("move", "moving")
def moving(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Giving a file another name, which every compaction does with the files that it replaces."""
    trial = patient.trial
    if isinstance(trial, SeamlineError) or trial.moved is None:
        yield topic.untried("nothing could be made to be moved")
    elif trial.moved.error is not None:
        why = "files that are replaced can't be set aside"
        yield topic.problem(trial.moved.error.message, why, _hint(trial.moved), Bars.WRITING)
    else:
        yield topic.ok(f"a file was moved in {seconds(trial.moved.seconds)}")


@check("delete", "deleting")
def deleting(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Throwing away a file of ours; in a bucket every move needs the right to."""
    trial = patient.trial
    if isinstance(trial, SeamlineError) or trial.dropped is None:
        yield topic.untried("nothing could be made to be thrown away")
    elif trial.dropped.error is not None or trial.left:
        error = trial.dropped.error
        left = f"left behind: {', '.join(trial.left)}" if trial.left else ""
        seen = "; ".join(text for text in (error.message if error else "", left) if text)
        why = "what an operation lays ready can't be taken away, and in a bucket nothing can be moved"
        yield topic.problem(seen, why, _hint(trial.dropped), Bars.WRITING)
    else:
        yield topic.ok(f"a file was thrown away in {seconds(trial.dropped.seconds)}; nothing is left of it")


@check("clock", "clocks", StoreKind.FOLDER | StoreKind.BUCKET)
def clock(patient: Patient, topic: Topic) -> Iterator[Result]:
    """This machine's clock against the time that the storage gave a fresh file (`own-time`)."""
    trial = patient.trial
    if not isinstance(trial, SeamlineError) and trial.modified is not None:
        # A storage tells whole seconds, and the request took its time as well.
        skew = max(0.0, trial.modified - trial.after, trial.before - trial.modified - 1.0)
        ahead = "behind" if trial.modified > trial.after else "ahead of"
        yield _skewed(topic, skew, ahead)
        return
    newest = max((each.modified for each in patient.first.files), default=0.0)
    beyond = newest - patient.machine.now()
    if beyond > _BAD_SKEW:
        seen = f"the newest file of metadata/ is {beyond:,.0f} s in the future of this machine"
        yield topic.problem(seen, _SPOILS, "timedatectl status", Bars.WRITING)
    else:
        yield topic.untried("nothing could be made whose time tells", "the newest file lies in the past")


_SPOILS: Final = "times in a store decide what compaction expires: a wrong clock loses to, or wins over, all others"
_UNREADABLE: Final = "nobody can tell who may write, so nothing is written"


def _skewed(topic: Topic, skew: float, ahead: str) -> Result:
    if skew <= _SMALL_SKEW:
        return topic.ok(f"this machine and the storage agree within {max(1.0, skew):.0f} s")
    seen = f"this machine is {skew:,.0f} s {ahead} the storage"
    if skew <= _BAD_SKEW:
        return topic.note(seen, _SPOILS, "timedatectl status")
    return topic.problem(seen, _SPOILS, "timedatectl status", Bars.WRITING)


def _hint(tried: Tried) -> str:
    return tried.error.hint if isinstance(tried.error, SeamlineError) else ""


def _show(patient: Patient) -> str:
    return str(Lock(patient.location, "show", lease=patient.lease))

"""What the change-set screen says: the files of an operation, its effect, and how far carrying it out has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from core.findings.titles import title_of
from core.journal import OperationState
from core.phrases import moment
from tui.applying import PATIENCE
from tui.glyphs import Glyphs
from tui.job import Job, JobPhase
from tui.numbers import counted, size, whole
from tui.proposal import FileItem, Proposal, Verb
from tui.safe_text import cut, padded, shorten
from tui.state import Session
from tui.texts.common import MEASURED, widest
from tui.texts.operation import operation_text, why_wait
from tui.texts.summary import verdict_sentence
from tui.widgets.painted import Row, row_width
from tui.widgets.prose import Paragraph, line, runs, text

_VERB_STYLES: Final = {
    Verb.WRITE: "good",
    Verb.RESTORE: "covered",
    Verb.RETIRE: "snapshot",
    Verb.KEEP: "strong",
    Verb.EXPIRE: "dim",
}
#: How many files of each fate there are, in the title of the list.
_TALLY: Final = {
    Verb.WRITE: "written",
    Verb.RESTORE: "back",
    Verb.RETIRE: "retired",
    Verb.KEEP: "kept",
    Verb.EXPIRE: "in grace",
}
#: Instead of the hint for a command line.
_TAKES_OVER: Final = "Nothing was changed. Whoever waits takes over from a holder that gives no sign of life."
_LABEL: Final = 9
#: Cells that a name keeps beside a long reason.
_LEAST_NAME: Final = 28
_BAR: Final = 40
#: The errors after which the same plan may be tried once more.
_TRY_AGAIN: Final = frozenset(
    {"lease-held", "lease-unreadable", "write-failed", "already-there", "unreachable", "usage"}
)


def tally(proposal: Proposal) -> str:
    """`4 written  23 retired  17 in grace`."""
    counts = [(proposal.count(verb), word) for verb, word in _TALLY.items()]
    return "  ".join(f"{whole(count)} {word}" for count, word in counts if count) or "none"


class FileRows:
    """The files of an operation as rows: what becomes of each, its name, and how large it is or why."""

    def __init__(self, files: Sequence[FileItem], mark: Callable[[int], Row], glyphs: Glyphs) -> None:
        """`mark` gives what stands in front of a file's row; the first files say where the second column begins."""
        self._files = files
        self._mark = mark
        self._glyphs = glyphs
        self._names = widest(_name(item) for item in files[:MEASURED])

    def __len__(self) -> int:
        return len(self._files)

    def row(self, index: int, width: int) -> Row:
        """One file. A long reason begins before its column, then the name loses its middle, then the reason its end."""
        item, mark, ellipsis = self._files[index], self._mark(index), self._glyphs.ellipsis
        room, reason = max(12, width - row_width(mark) - 8), _told(item)
        name_cells = min(self._names, max(_LEAST_NAME, room - 2 - widest([reason])))
        return (
            *mark,
            (f"{item.verb.value:<7} ", _VERB_STYLES[item.verb]),
            (padded(shorten(_name(item), min(name_cells, room), ellipsis), name_cells), "text"),
            (f"  {cut(reason, max(0, room - name_cells - 2), ellipsis)}", "dim"),
        )


def _name(item: FileItem) -> str:
    return item.handle.removeprefix("metadata/")


def _told(item: FileItem) -> str:
    if item.verb is Verb.EXPIRE and item.until is not None:
        return f"until {moment(item.until, seconds=False)}"
    if item.verb is Verb.WRITE and item.lines is None:
        return item.because
    if item.verb is Verb.WRITE:
        return f"{counted(item.lines or 0, 'line'):>9}  {size(item.size or 0):>9}"
    return item.because


def step_mark(proposal: Proposal, place: int, job: Job | None, glyphs: Glyphs) -> Row:
    """The cell in front of a step: taken, now, or nothing."""
    if place >= proposal.steps:
        return (("  ", "dim"),)
    if place in proposal.done or (job is not None and place < _reached(proposal, job)):
        return ((f"{glyphs.same} ", "good"),)
    return (("  ", "dim"),)


def current_place(proposal: Proposal, job: Job | None) -> int | None:
    """The row of the step that comes now."""
    return proposal.places.get(job.progress.step) if job and job.progress else None


def _reached(proposal: Proposal, job: Job) -> int:
    """How many steps of the list are taken."""
    if job.phase is JobPhase.DONE:
        return proposal.steps
    return current_place(proposal, job) or 0


# --- what it does -----------------------------------------------------------------------------------------------------


def effect_title(proposal: Proposal) -> str:
    """The title over `effect_text`."""
    if not proposal.plan_id:
        return "What the journal says"
    return f"What it does   {whole(proposal.files_before)} files become {whole(proposal.files_after)}"


def effect_text(proposal: Proposal, glyphs: Glyphs) -> list[Paragraph]:
    """What an operation does to what readers see; for one of the past, what the journal tells of it."""
    if not proposal.plan_id:
        assert proposal.operation is not None
        return operation_text(proposal.operation, len(proposal.done))
    return [
        *hidden_text(proposal),
        *(_labelled("choices", sentence, "conflict") for sentence in proposal.unused),
        *_verdicts(proposal, glyphs),
        *_repairs(proposal),
        *_grace(proposal),
        *_side_effects(proposal),
        _labelled("plan", proposal.plan_id, "dim"),
    ]


def hidden_text(proposal: Proposal) -> Iterator[Paragraph]:
    """What stock is to see no more, before anything else."""
    for number, sentence in enumerate(proposal.hides):
        yield text(sentence, "text" if number > 1 else "conflict")


def _labelled(label: str, content: str, style: str = "text") -> Paragraph:
    return runs((f"{label:<{_LABEL}}", "dim"), (content, style), hanging=_LABEL)


def _verdicts(proposal: Proposal, glyphs: Glyphs) -> Iterator[Paragraph]:
    """Stock's verdict before and after: the same where the same entries are visible."""
    if proposal.verdict is not None:
        yield _labelled("before", verdict_sentence(proposal.verdict, glyphs), "strong")
    counts = "   ".join(f"{kind.short} {whole(now.entries)}" for kind, (now, _) in proposal.lanes.items())
    if proposal.verdict_after is None:
        yield _labelled("after", f"the same, as the same entries stay visible: {counts}", "good")
        return
    changed = {kind: pair for kind, pair in proposal.lanes.items() if pair[0] != pair[1]}
    told = ", ".join(
        f"{kind.short} {whole(now.entries)}"
        + (f" to {whole(then.entries)}" if now.entries != then.entries else ", but not the same")
        for kind, (now, then) in changed.items()
    )
    yield _labelled("after", verdict_sentence(proposal.verdict_after, glyphs), "snapshot")
    yield _labelled("entries", f"others are visible than now: {told}", "snapshot")


def _repairs(proposal: Proposal) -> Iterator[Paragraph]:
    """What is done otherwise than stock would."""
    for repair in proposal.repairs:
        times = f" ({whole(repair.count)} times)" if repair.count > 1 else ""
        yield runs(
            ("mends    ", "dim"), (f"{title_of(repair.id)}: ", "key"), (f"{repair.text}{times}", "text"), hanging=_LABEL
        )


def _grace(proposal: Proposal) -> Iterator[Paragraph]:
    waiting = [item.until for item in proposal.files if item.verb is Verb.EXPIRE and item.until is not None]
    if waiting:
        first = f"the first until {moment(min(waiting))}"
        yield _labelled("grace", f"{counted(len(waiting), 'file')} stay for readers, {first}; a later run retires them")


def _side_effects(proposal: Proposal) -> Iterator[Paragraph]:
    if proposal.readers:
        yield _labelled("readers", proposal.readers)
    if proposal.side_effects:
        yield from (_labelled("besides", sentence) for sentence in proposal.side_effects)
        return
    same = all(now == after for now, after in proposal.lanes.values())
    keeps = "keeps its position in memory, and a restarted one finds the same greatest version"
    moves = "keeps its position in memory; a restarted one goes on from the greatest version then visible"
    yield _labelled("running", f"a backup coordinator at work {keeps if same else moves}")
    if proposal.count(Verb.RETIRE):
        yield _labelled("caches", "metadata caches on other hosts keep retired files until they sync")


# --- carrying it out --------------------------------------------------------------------------------------------------


def run_title(proposal: Proposal, job: Job | None) -> str:
    """The title over `run_text`."""
    if job is None and proposal.operation is not None and proposal.operation.holder is not None:
        return "At work" if proposal.operation.state is OperationState.RUNNING else "Held"
    if job is None:
        return "Nothing is written yet" if proposal.plan_id else "To be finished" if proposal.word else "Over"
    return {
        JobPhase.RUNNING: "Carrying it out",
        JobPhase.STOPPING: "Stopping before the next step",
        JobPhase.DONE: "Done",
        JobPhase.FAILED: "Stopped" if job.kind == "interrupted" else "Not done",
    }[job.phase]


def run_text(proposal: Proposal, job: Job | None, session: Session, glyphs: Glyphs) -> list[Paragraph]:
    """How to carry it out, how far that is, or what came of it."""
    if job is None:
        return _invitation(proposal, session)
    if job.is_running:
        return _progress(proposal, job, glyphs)
    return _done(job, session, glyphs) if job.phase is JobPhase.DONE else _failed(proposal, job, session)


def _invitation(proposal: Proposal, session: Session) -> list[Paragraph]:
    if session.read_only:
        return [text("This session is read-only: nothing can be carried out in it.", "strong")]
    if proposal.word:
        keys = [("Enter", "key"), (" asks for the word: type ", "text"), (proposal.asked, "strong")]
        ends = " to finish it; " if proposal.waiting or not proposal.plan_id else " to carry it out; "
        if proposal.unused:
            ends = " to carry it out without what you chose; "
        more = [("u", "key"), (" takes it back instead; ", "text")] if not proposal.plan_id else []
        return [runs(*keys, (ends, "text"), *more, ("Esc", "key"), (" goes back.", "text"))]
    if proposal.operation is not None and proposal.operation.holder is not None:
        return [text(f"Nothing can be done about it yet: {why_wait(proposal.operation)}.")]
    if proposal.undoes:
        return [
            runs(
                ("u", "key"), (" shows what taking it back would do; ", "text"), ("Esc", "key"), (" goes back.", "text")
            )
        ]
    return [text("There is nothing to do about it. Esc goes back.")]


def _progress(proposal: Proposal, job: Job, glyphs: Glyphs) -> list[Paragraph]:
    reached, steps = _reached(proposal, job), proposal.steps
    filled = _BAR * reached // steps if steps else 0
    bar = (glyphs.covered * filled, "covered"), (glyphs.missing * (_BAR - filled), "missing")
    place = current_place(proposal, job)
    now = f"   step {whole(place + 1)} of {whole(steps)}" if place is not None else f"   {whole(steps)} steps"
    doing = job.progress.step if job.progress else "taking the lease"
    if job.waits_for:
        doing = f"waiting for the lease of {job.waits_for}"
    stops = "Stopping before the next step: it then waits to be resumed or undone."
    escape = runs(("Esc", "key"), (" stops it between two steps; it then waits to be resumed or undone.", "text"))
    return [
        line(*bar, (now, "strong")),
        text(doing, "text"),
        text(stops, "snapshot") if job.phase is JobPhase.STOPPING else escape,
    ]


def _done(job: Job, session: Session, glyphs: Glyphs) -> list[Paragraph]:
    said: list[Paragraph] = []
    for applied in job.applied:
        ended = "done" if applied.outcome.finished else "closed"
        said.append(runs((f"{ended} in {applied.seconds:.1f} s   ", "good"), (applied.operation, "strong")))
        said += [text(note, "snapshot", 2) for note in applied.outcome.notes]
    if not job.applied:
        said.append(text("There was nothing left to finish.", "good"))
    said.append(_now(session, glyphs))
    back = (("Esc", "key"), (" goes back.", "text"))
    undo = (("u", "key"), (" undo it, with its own change set first; ", "text"))
    return [*said, runs(*(undo if job.applied else ()), *back)]


def _now(session: Session, glyphs: Glyphs) -> Paragraph:
    """What the look that followed says of the store."""
    if session.snapshot is None or session.report is None:
        return text("The store is being read again.", "dim")
    files = counted(len(session.snapshot.index.files), "metadata file")
    return _labelled("now", f"{files}; {verdict_sentence(session.report.verdict, glyphs)}")


def _failed(proposal: Proposal, job: Job, session: Session) -> list[Paragraph]:
    return [
        text(_sentence(job.error), "conflict"),
        *([text(_TAKES_OVER if is_held(job) else job.hint, "dim")] if job.hint else []),
        _way_on(proposal, job, session),
    ]


def _way_on(proposal: Proposal, job: Job, session: Session) -> Paragraph:
    """What `Enter` does next."""
    if session.snapshot is None:
        return text("The store is being read again.", "dim")
    if session.interrupted and not (proposal.settles and may_try_again(job)):
        return runs(("Enter", "key"), (" shows what was interrupted, to be resumed or undone.", "text"))
    if is_held(job):
        minutes = f" waits for it, {PATIENCE / 60:.0f} minutes at most, once the word is typed again; "
        return runs(("Enter", "key"), (minutes, "text"), ("Esc", "key"), (" goes back.", "text"))
    if may_try_again(job):
        return runs(("Enter", "key"), (" asks for the word again; ", "text"), ("Esc", "key"), (" goes back.", "text"))
    return runs(("Enter", "key"), (" goes back to a plan of the store as it is now.", "text"))


def is_held(job: Job) -> bool:
    """Whether somebody else holds the lease."""
    return job.kind == "lease-held"


def may_try_again(job: Job) -> bool:
    """Whether the plan still stands after a failure."""
    return job.kind in _TRY_AGAIN


def status_words(proposal: Proposal, place: int) -> Sequence[str]:
    """The status line: which file is under the cursor, and its whole handle."""
    if place >= len(proposal.files):
        return []
    item = proposal.files[place]
    return [f"file {whole(place + 1)} of {whole(len(proposal.files))}", item.handle, item.because]


def _sentence(told: str) -> str:
    """What went wrong, as a sentence; one that begins with a handle begins as the handle does."""
    begins = told[:1] if "/" in told.partition(" ")[0] else told[:1].upper()
    return begins + told[1:] + ("" if told.endswith(".") else ".")

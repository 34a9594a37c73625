"""What the repair preview says: stock before and after, what goes, what comes, what stays missing, why it can't be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.chain import Policy
from core.changes.model import LaneState
from core.findings.titles import title_of
from core.recovery import choice_sentences
from tui.glyphs import Glyphs
from tui.numbers import counted, whole
from tui.proposal import Proposal, Verb
from tui.repairing import RepairAnswer, retired_rows
from tui.texts.change import hidden_text
from tui.texts.common import lane_span
from tui.texts.recovery import checked_words, lines_text, of_lane
from tui.texts.restore import gap_text
from tui.texts.summary import verdict_sentence
from tui.widgets.prose import Paragraph, runs, text

_LABEL: Final = 11
#: Of so many entries that go each is named.
_NAMED: Final = 40
_POLICIES: Final = {
    Policy.VERIFIED: "what is not known to be broken first",
    Policy.FEWEST_CHANGES: "what retires the fewest files first",
    Policy.NEWEST: "what was written last first",
    Policy.LONGEST: "the longest, so the fewest manifests, first",
    Policy.STOCK_LIKE: "what stock sorts first",
    Policy.FIRST_ENCOUNTERED: "at each boundary the first from which the rest can be reached",
}


def obstacle(answer: RepairAnswer | None) -> str | None:
    """Why there is no change set to open."""
    if answer is None:
        return "there is no plan"
    if answer.plan.refusal is not None:
        return f"{title_of(answer.plan.refusal.kind)}: {answer.plan.refusal.explanation}"
    return None if answer.proposal else "nothing is visible that should not be: there is nothing to repair"


def state_word(answer: RepairAnswer) -> tuple[str, str]:
    """The answer in a word, and its style."""
    if answer.plan.refusal is not None:
        return "REFUSED", "conflict"
    if answer.recovery.has_unused_choices:
        return "NOT WITH ALL YOU CHOSE", "conflict"
    verdict = answer.then or answer.now
    if verdict.latest is None:
        return "NOTHING TO RESTORE", "conflict"
    if not verdict.stock_restores_latest:
        return ("HELPS IN PART" if answer.proposal else "NOTHING TO REPAIR"), "snapshot"
    return "STOCK WORKS AFTERWARDS" if answer.proposal else "NOTHING TO DO", "good"


def files_title(answer: RepairAnswer) -> str:
    """How many files become what."""
    if answer.plan.refusal is not None:
        return "Refused"
    if answer.proposal is None:
        return "Nothing to do"
    return f"Change set  {files_words(answer.proposal)}"


def files_words(proposal: Proposal) -> str:
    """`1 written   3 retired   51 stay`."""
    written, retired = proposal.count(Verb.WRITE), proposal.count(Verb.RETIRE)
    stay = proposal.files_before - retired
    parts = ((written, "written"), (retired, "retired"), (stay, "stay"))
    return "  ".join(f"{whole(number)} {word}" for number, word in parts if number)


def effect_text(answer: RepairAnswer, location: str, glyphs: Glyphs) -> list[Paragraph]:
    """All that there is to know before it is carried out."""
    return [
        *_refusal(answer),
        *(hidden_text(answer.proposal) if answer.proposal else ()),
        *(_labelled("choices", sentence, "conflict") for sentence in choice_sentences(answer.recovery)),
        *_verdicts(answer, glyphs),
        *gap_text(answer.recovery.preview, location),
        *_tail(answer),
        *lines_text(answer.recovery),
        *_gone(answer),
        *_minimal(answer),
        *(_labelled("besides", sentence) for sentence in answer.plan.side_effects),
        _labelled("policy", policy_words(answer.recovery.preview.options.policy), "dim"),
        text(f"{checked_words(answer.recovery)}.", "dim"),
    ]


def policy_words(policy: Policy) -> str:
    """A policy and what it prefers."""
    return f"{policy.value}: {_POLICIES[policy]}"


def _labelled(label: str, content: str, style: str = "text") -> Paragraph:
    return runs((f"{label:<{_LABEL}}", "dim"), (content, style), hanging=_LABEL)


def _refusal(answer: RepairAnswer) -> Iterator[Paragraph]:
    refusal = answer.plan.refusal
    if refusal is None:
        return
    yield runs(
        (f"{'refused':<{_LABEL}}", "dim"), (f"{title_of(refusal.kind)}: ", "conflict"), (refusal.explanation, "text"),
        hanging=_LABEL,
    )  # fmt: skip
    if refusal.stock_says:
        yield _labelled("stock says", f'"{refusal.stock_says}"')
    yield _labelled("next", refusal.next_step, "key")
    if refusal.then:
        yield _labelled("then", refusal.then)


def _verdicts(answer: RepairAnswer, glyphs: Glyphs) -> Iterator[Paragraph]:
    now, then = answer.now, answer.then
    if answer.proposal is None and answer.plan.refusal is None:
        yield text("There is nothing to repair: no entry stands in the way of another.", "good")
    yield _labelled("now" if then is None else "before", verdict_sentence(now, glyphs), "strong")
    if then is not None:
        good = "good" if then.stock_restores_latest else "snapshot"
        yield _labelled("after", verdict_sentence(then, glyphs), good)
    if answer.proposal is not None:
        yield _labelled("entries", _entries(answer.proposal))


def _entries(proposal: Proposal) -> str:
    """How many entries are visible before and after, lane by lane."""
    told = (f"{kind.short} {whole(now.entries)}" + _becomes(now, then) for kind, (now, then) in proposal.lanes.items())
    files = f"{counted(proposal.files_before, 'file')} become {whole(proposal.files_after)}"
    return f"{'   '.join(told)}   {files}"


def _becomes(now: LaneState, then: LaneState) -> str:
    if now.entries != then.entries:
        return f" become {whole(then.entries)}"
    return "" if now == then else ", but not the same"


def _gone(answer: RepairAnswer) -> Iterator[Paragraph]:
    """What is seen no more, and why."""
    if answer.proposal is None:
        return
    preview = answer.recovery.preview
    rows, count = retired_rows(answer, _NAMED)
    for kind, row in rows:
        lane = preview.index.lanes[kind]
        place = lane_span(kind, int(lane.first[row]), int(lane.last[row]))
        yield runs(
            (f"{'goes':<{_LABEL}}", "dim"), (f"{of_lane(kind, place)}  ", "conflict"),
            (f"{preview.left_out[kind].why(row)}  ", "text"), (lane.manifest(row), "dim"), hanging=_LABEL,
        )  # fmt: skip
    if count > len(rows):
        yield _labelled("goes", f"and {counted(count - len(rows), 'more entry', 'more entries')}")


def _tail(answer: RepairAnswer) -> Iterator[Paragraph]:
    if not answer.tail:
        return
    entries = counted(answer.tail, "entry", "entries")
    if answer.parked:
        words = f" keeps the {entries} behind the gap in sight after all"
    else:
        preview = answer.recovery.preview
        later = preview.later_gaps and not preview.gaps
        goal = "its verify and its compaction go on" if later else "it restores all that is left without an error"
        words = f" hides the {entries} behind the gap from stock, so that {goal}"
    yield runs((f"{'gap':<{_LABEL}}", "dim"), ("Space", "key"), (words, "text"), hanging=_LABEL)


def _minimal(answer: RepairAnswer) -> Iterator[Paragraph]:
    if answer.proposal is None or not answer.proposal.count(Verb.RETIRE):
        return
    if answer.proven_minimal:
        yield _labelled("fewest", "no other choice of the same worth retires fewer files")
    else:
        yield _labelled("fewest", "not proven: another choice of the same worth may retire fewer files", "snapshot")

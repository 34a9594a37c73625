"""What `repair` prints: what it will do or has done, what comes and what goes, and what is missing all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from core.changes.apply import Applied
from core.invocation import Repair
from core.model import LaneKind
from core.recovery import UNUSED_CHOICE, Recovery, choice_sentences
from core.repair import RepairPlan
from core.repair.hidden import hidden_words
from core.repair.sides import named_range
from core.restore import StoreVerdict
from tui.headless.documents.repair import parked_entries, recovered_entries, rejected_entries
from tui.headless.printers.changes import (
    applied_lines,
    change_lines,
    change_words,
    cut_rows,
    files_line,
    reach_line,
    refused_lines,
)
from tui.headless.printers.layout import BAD, GOOD, WARN, Lines, commands, headline, lane_name, prose, verbatim
from tui.headless.printers.restore_plan import choice_lines, gap_lines
from tui.numbers import counted, span, whole

_ENTRY: Final = ("lane", "range", "manifest")
_NOT_MINIMAL: Final = "not proven minimal: another chain that is as good might leave more files untouched"


def repair_answer(
    plan: RepairPlan,
    verdicts: tuple[StoreVerdict, StoreVerdict],
    go: str,
    *,
    park_tail: bool,
    applied: Applied | None = None,
    plan_file: str | None = None,
) -> Group:
    """The whole answer. `go` is the command that carries the plan out, `verdicts` are those before and after it."""
    recovery, change = plan.recovery, plan.change_set
    lines = _verdict(plan, verdicts[1], go, applied)
    if change is not None:
        hides = hidden_words(change.parked, verdicts[1].stock_restorable_to)
        lines += [prose("HIDES" if not number else "", sentence) for number, sentence in enumerate(hides)]
    if plan.refusal is None or plan.refusal.kind != UNUSED_CHOICE:
        lines += choice_lines(choice_sentences(recovery))
    lines += [Text(), verbatim("store", recovery.snapshot.location)]
    if plan_file is not None:
        lines.append(verbatim("written", plan_file))
    if change is not None:
        lines += [prose("files", files_line(change)), verbatim("plan", change.plan_id)]
        lines += [prose("stock", reach_line(*verdicts))]
        lines += [] if recovery.proven_minimal or change.is_empty else [prose("proof", _NOT_MINIMAL)]
        lines += [prose("also" if not number else "", text) for number, text in enumerate(plan.side_effects)]
        lines += [*change_lines(change, recovery.snapshot.location), *_derived(recovery)]
    recovered = [(*_entry(each), each["files"][0]) for each in recovered_entries(recovery)]
    rejected = ((*_entry(each), each["reason"]) for each in rejected_entries(recovery))
    parked = ((*_entry(each), each["reason"]) for each in parked_entries(recovery))
    rejected_count, parked_count = (sum(map(len, rows.values())) for rows in (recovery.rejected, recovery.tail))
    lines += cut_rows("Recovered", (*_ENTRY, "from"), recovered)
    lines += cut_rows("Seen no more", (*_ENTRY, "because"), rejected, rejected_count)
    if park_tail:
        lines += cut_rows("Parked until the gap is closed", (*_ENTRY, "because"), parked, parked_count)
    return Group(*lines, *gap_lines(recovery.preview), *([] if park_tail else _parking(recovery)))


def _verdict(plan: RepairPlan, after: StoreVerdict, go: str, applied: Applied | None) -> Lines:
    """What is planned or was done, or why nothing is, and what now."""
    change = plan.change_set
    if plan.refusal is not None or change is None:
        lines: Lines = [headline("REFUSED", BAD, "this store is not repaired; nothing was written")]
        return lines + (refused_lines(plan.refusal) if plan.refusal else [])
    if applied is not None:
        return applied_lines(change, applied, go)
    if not change.is_empty:
        return [headline("READY", GOOD, f"{change_words(change)}; nothing was written"), *commands("now", go)]
    if after.stock_restores_latest:
        return [headline("NOTHING", GOOD, "there is nothing to repair")]
    return [headline("NOTHING", WARN, "there is nothing that a repair could do: see what is missing")]


def _parking(recovery: Recovery) -> Lines:
    """That what lies behind a gap can be parked, and the command that shows it."""
    tail = sum(map(len, recovery.tail.values()))
    if not tail:
        return []
    text = f"{counted(tail, 'entry', 'entries')} behind the gap can be set aside until it is closed:"
    parked = Repair(recovery.snapshot.location, recovery.wishes.choices, park_tail=True, dry_run=True)
    return [Text(), prose("park", text), *commands("", str(parked))]


def _derived(recovery: Recovery) -> Lines:
    rows = [
        (
            lane_name(each.lane),
            span(*named_range(each.record)),
            whole(each.end - each.begin),
            each.record.manifest,
            each.source,
        )
        for each in recovery.derived
    ]
    return cut_rows("Derived manifests", ("lane", "range", "chunks", "manifest", "chunks of"), rows)


def _entry(fields: Mapping[str, Any]) -> tuple[str, str, str]:
    """Lane, range and manifest of an entry of a document."""
    kind = LaneKind(fields["lane"])
    first, last = ("first_epoch", "last_epoch") if kind is LaneKind.EPOCH_ENDINGS else ("first_version", "last_version")
    return lane_name(kind), span(fields[first], fields[last]), fields["manifest"]

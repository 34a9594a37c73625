"""What `restore-plan` prints: the answer, stock's plan beside the chain that works, what is left out and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from rich.console import Group
from rich.text import Text

from core.chain import Gap, GapKind, SkipReason
from core.findings.titles import title_of
from core.invocation import Open, RestorePlan
from core.model import LaneKind, Severity
from core.recovery import Recovery, choice_sentences, looked_sentence
from core.restore import (
    HighestTargets,
    LeftOut,
    RestorePreview,
    RestoreStep,
    Runs,
    StockAnswer,
    preview_sentences,
    stock_words,
)
from tui.headless.documents.restore_plan import gap_fields, next_steps
from tui.headless.printers.layout import (
    BAD,
    DIM,
    GOOD,
    SEVERITY_STYLES,
    WARN,
    Lines,
    commands,
    headline,
    lane_name,
    place,
    prose,
    row,
    table,
    verbatim,
)
from tui.numbers import counted, span, whole
from tui.safe_text import safe

GAPS_SHOWN: Final = 10
RUNS_SHOWN: Final = 12
_GAP_WORDS: Final = {GapKind.GAP: "gap", GapKind.NO_JOIN: "nothing joins"}
_NOT_CHECKED: Final = "not checked: manifests, chunks, proofs, signatures, disk space"


def restore_answer(recovery: Recovery, highest: HighestTargets, way_on: str | None) -> Group:
    """The whole answer of a restore preview. `way_on` is the next step of what is wrong at the first gap, if known."""
    preview = recovery.preview
    return Group(
        *_verdict(recovery, highest, way_on),
        *choice_lines(choice_sentences(recovery)),
        *_steps("Stock", preview.stock.steps, _stock_remark(preview.stock)),
        *_steps("Chain that works", preview.best.steps if preview.best else (), _chain_remark(preview)),
        *gap_lines(preview),
        *_left_out(preview),
        *_notes(preview),
        Text(),
        prose("unseen", _unseen(recovery), indent=0),
    )


def choice_lines(sentences: Iterable[str]) -> Lines:
    """What became of the operator's choices, where that is not simply that they are followed."""
    return [prose("choices" if not number else "", sentence) for number, sentence in enumerate(sentences)]


def _unseen(recovery: Recovery) -> str:
    looked_at, absent = len(recovery.evidence.manifests) if recovery.evidence else 0, looked_sentence(recovery)
    if not looked_at:
        return f"{absent} {_NOT_CHECKED}".lstrip()
    seen = counted(looked_at, "manifest was", "manifests were")
    rest = f"{seen} looked at, to choose among; not checked: others, chunk records, proofs, signatures, disk space"
    return f"{absent} {rest}".lstrip()


def _verdict(recovery: Recovery, highest: HighestTargets, way_on: str | None) -> Lines:
    """Does it work, to where, if not why, and what now."""
    preview = recovery.preview
    word, style, text = _headline(preview)
    lines: Lines = [headline(word, style, text)]
    if preview.stock.error:
        lines.append(verbatim("stock", stock_words(preview.stock.error)))
    if word != "WORKS":
        lines.append(prose("instead", preview_sentences(preview)[1]))
        lines.append(prose("highest", _highest(preview, highest)))
        lines += _now(recovery, highest, way_on)
    lines += [Text(), verbatim("store", preview.snapshot.location), prose("target", _target(preview))]
    return lines


def _headline(preview: RestorePreview) -> tuple[str, str, str]:
    stock, wanted = preview.stock, preview.wanted
    if wanted is None:
        return "NOTHING", BAD, "no transactions are in this store: there is nothing to restore to"
    if stock.reads_broken:
        broken = counted(len(stock.reads_broken), "broken manifest")
        return "STOPS", BAD, f"stock can't restore to {whole(wanted)}: it would read {broken}"
    if not stock.ok:
        when = "after it has restored for a while" if stock.late else "before it restores anything"
        return "STOPS", BAD, f"stock can't restore to {whole(wanted)}: it stops {when}"
    if stock.lands_at is None:
        return "SHORT", BAD, f"stock reports no error for {whole(wanted)}, and restores no transaction"
    if stock.lands_at != wanted:
        return "SHORT", WARN, f"stock reports no error, but lands at {whole(stock.lands_at)} instead of {whole(wanted)}"
    return "WORKS", GOOD, f"stock restores to {whole(wanted)}"


def _highest(preview: RestorePreview, highest: HighestTargets) -> str:
    """The highest targets that work, by stock alone and along the chain."""
    by_target = ", if it is given that target" if preview.verdict.works_with_target is not None else ""
    alone = (
        "no target works with stock alone"
        if highest.stock is None
        else f"{whole(highest.stock)} with stock alone{by_target}"
    )
    if not highest.needs_chain or highest.chain is None:
        return alone
    return f"{alone}; {whole(highest.chain)} with an overlay or a repair"


def _now(recovery: Recovery, highest: HighestTargets, way_on: str | None) -> Lines:
    """The ways on: what gets further than stock does today, and what is missing."""
    preview, ours = recovery.preview, next_steps(recovery)
    lines = [line for label, step in zip(("now", "or", "or"), ours, strict=False) for line in commands(label, step)]
    if preview.gaps and (way_on is None or way_on in ours):
        way_on = str(gap_fields(preview.gaps[0], preview.snapshot.location)["command"])
    if way_on is not None:
        return [*lines, *commands("and" if lines else "now", way_on)]
    return lines or commands("now", _look_on(recovery, highest.stock))


def _look_on(recovery: Recovery, works: int | None) -> str:
    """Where neither a change nor a backup helps: a target that works today, else a look at what competes."""
    location = recovery.preview.snapshot.location
    if works is None or works == recovery.preview.requested:
        return str(Open(location))
    return str(RestorePlan(location, replace(recovery.wishes, target_version=works)))


def _target(preview: RestorePreview) -> str:
    asked = "everything" if preview.requested is None else f"version {whole(preview.requested)}"
    latest = preview.verdict.latest
    newest = "no transactions" if latest is None else f"latest version {whole(latest)}"
    history = preview.options.ledger_history_start
    return f"{asked}; {newest}" + ("" if history is None else f"; history from {whole(history)}")


def _stock_remark(answer: StockAnswer) -> str:
    if answer.plan is None:
        return "no plan: selection fails" if answer.error else ""
    return "" if answer.error is None else "it makes this plan, and stops while it carries it out"


def _chain_remark(preview: RestorePreview) -> str:
    best = preview.best
    if best is None:
        return "no chain leads anywhere from an usable snapshot"
    reach = "reaches the target" if preview.complete else f"ends at {whole(best.lands_at)}"
    derived = len(preview.ground.sources)
    recovered = sum(map(len, preview.ground.lines.values())) - derived
    added = [counted(derived, "derived manifest")] if derived else []
    added += [f"{counted(recovered, 'line')} of metadata_backup/"] if recovered else []
    takes = f", with {' and '.join(added)}" if added else ""
    return f"{counted(best.manifests, 'manifest')}, {reach}{takes}"


def _steps(title: str, steps: Iterable[RestoreStep], remark: str) -> Lines:
    """The steps of one side, in order, with how many manifests each reads and whether it is reached."""
    made = table(("step", "left"), ("range", "right"), ("manifests", "right"), ("", "left"))
    for step in steps:
        unit = "epochs " if step.lane is LaneKind.EPOCH_ENDINGS else ""
        style = BAD if step.status.value == "stops" else DIM if step.status.value != "ok" else ""
        row(
            made, (step.kind.value, unit + span(step.first, step.last), whole(step.manifests), step.status.value), style
        )
    lines: Lines = [Text(), Text.assemble((title, "bold"), f"  {safe(remark)}" if remark else "")]
    return [*lines, made] if made.row_count else lines


def gap_lines(preview: RestorePreview) -> Lines:
    """What is missing before the goal, and the commands that back it up again."""
    location = preview.snapshot.location
    later = "Missing above all transactions: restores work, stock's verify and its compaction above factor 1 stop there"
    return [*_gap_lines("Missing", preview.gaps, location), *_gap_lines(later, preview.later_gaps, location)]


def _gap_lines(title: str, gaps: Sequence[Gap], location: str) -> Lines:
    if not gaps:
        return []
    lines: Lines = [Text(), Text(title, "bold")]
    for gap in gaps[:GAPS_SHOWN]:
        lines.append(Text(f"  {_GAP_WORDS[gap.kind]}  {lane_name(gap.lane)}  {place(gap.lane, gap.first, gap.last)}"))
        lines += commands("back up", str(gap_fields(gap, location)["command"]))
    if len(gaps) > GAPS_SHOWN:
        lines.append(Text(f"  and {counted(len(gaps) - GAPS_SHOWN, 'more gap')}: --json lists them", DIM))
    return lines


def _left_out(preview: RestorePreview) -> Lines:
    made = table(("lane", "left"), ("range", "right"), ("entries", "right"), ("why", "left"))
    rest = 0
    for kind, left_out in preview.left_out.items():
        runs = left_out.runs()
        numbers = _worth_telling(kind, left_out, runs)
        for run in (runs[number] for number in numbers[:RUNS_SHOWN]):
            row(made, (lane_name(kind), span(run.first, run.last), whole(run.count), run.why))
        rest += max(0, len(numbers) - RUNS_SHOWN)
    if not made.row_count:
        return []
    lines: Lines = [Text(), Text("Left out", "bold"), made]
    return (
        [*lines, Text(f"and {counted(rest, 'more stretch', 'more stretches')}: --json lists them", DIM)]
        if rest
        else lines
    )


def _worth_telling(kind: LaneKind, left_out: LeftOut, runs: Runs) -> list[int]:
    """The numbers of the runs that are not merely the part of the chain below what this restore reads."""
    if kind is not LaneKind.TRANSACTIONS:
        return list(range(len(runs)))
    numbers: list[int] = np.flatnonzero(left_out.reason[runs.start] != SkipReason.NOT_NEEDED).tolist()
    return numbers


def _notes(preview: RestorePreview) -> Lines:
    lines: Lines = []
    for note in preview.notes:
        style = SEVERITY_STYLES[note.severity] if note.severity is not Severity.INFO else DIM
        lines += [
            Text(),
            Text.assemble((note.severity.value.upper(), style), f"  {title_of(note.kind)}"),
            prose("", note.text),
        ]
    return lines

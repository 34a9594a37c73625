"""What comparing manifests record by record has shown (level 5), said beside the conflict that they are in."""

from __future__ import annotations

from collections.abc import Sequence

from core.columns import I64, Lane
from core.findings.case import Case
from core.manifests import ContentComparison, Evidence, Verdict
from core.manifests.conflicts import pair_count
from core.phrases import count, shown

_Compared = tuple[str, str, ContentComparison]


def compared(case: Case, lane: Lane, rows: I64) -> str:
    """How the manifests of some entries (rows, int64, rising) compare, with a blank before it; empty if none was."""
    evidence = case.evidence
    if evidence is None or not evidence.comparisons:
        return ""
    handles = {lane.manifest(row) for row in rows.tolist()}
    pairs = [
        (a, b, result)
        for (kind, a, b), result in evidence.comparisons.items()
        if kind is lane.kind and a in handles and b in handles
    ]
    if not pairs:
        return ""
    words = _of_one(*pairs[0]) if len(pairs) == 1 else _of_many(pairs)
    return f" {words}{_left_out(evidence, lane, rows, len(pairs))}"


def _of_one(a: str, b: str, result: ContentComparison) -> str:
    if result.verdict is Verdict.EQUAL:
        return f"Compared record by record they hold the same{_over(result)}: either may be chosen."
    if result.verdict is Verdict.DIFFERS:
        return f"Compared record by record they differ{_where(a, b, result)}."
    equal = f" after {count(result.records, 'equal record')}" if result.records else ""
    return f"Whether they hold the same can't be told{equal}: {_why(a, b, result)}."


def _of_many(pairs: Sequence[_Compared]) -> str:
    """How many pairs there are of each sort, and the first one of those that are not equal."""
    of = {verdict: [each for each in pairs if each[2].verdict is verdict] for verdict in Verdict}
    parts = []
    if of[Verdict.EQUAL]:
        parts.append(f"{len(of[Verdict.EQUAL]):,} hold the same, so that either may be chosen")
    if of[Verdict.DIFFERS]:
        a, b, result = of[Verdict.DIFFERS][0]
        parts.append(f"{len(of[Verdict.DIFFERS]):,} differ, the first{_where(a, b, result)}")
    if of[Verdict.UNKNOWN]:
        why = _why(*of[Verdict.UNKNOWN][0])
        parts.append(f"of {len(of[Verdict.UNKNOWN]):,} it can't be told, of the first because {why}")
    return f"Of {len(pairs):,} pairs that were compared record by record {'; '.join(parts)}."


def _over(result: ContentComparison) -> str:
    if result.first is None or result.last is None:
        return ""
    if result.unit == "item":
        return f" in all {count(result.records, 'item')}"
    one = result.first == result.last
    numbers = f" {result.first:,}" if one else f"s {result.first:,} to {result.last:,}"
    return f" over {result.unit}{numbers}"


def _where(a: str, b: str, result: ContentComparison) -> str:
    first = "" if result.at is None else f" first at {result.unit} {result.at:,}"
    if result.a is None or result.b is None:
        return f"{first}: {_why(a, b, result)}"
    return f"{first} ({_bytes(result.a.size)} in {shown(a)}, {_bytes(result.b.size)} in {shown(b)})"


def _why(a: str, b: str, result: ContentComparison) -> str:
    return f"{result.why} (A is {shown(a)}, B is {shown(b)})"


def _bytes(size: int) -> str:
    return count(size, "byte")


def _left_out(evidence: Evidence, lane: Lane, rows: I64, done: int) -> str:
    beyond = min(evidence.uncompared.get(lane.kind, 0), pair_count(lane.kind, lane, rows) - done)
    return f" {count(beyond, 'more pair')} of them were not compared: there are too many." if beyond > 0 else ""

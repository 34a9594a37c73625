"""The document of `repair`: the change set, and where each of its lines and manifests comes from, or why it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from core.changes.apply import Applied
from core.columns import I64
from core.model import LaneKind
from core.recovery import DerivedManifest, Recovery
from core.repair import RepairPlan
from core.repair.sides import named_range
from core.restore import StoreVerdict
from tui.headless.documents.changes import applied_fields, change_fields, refused_fields, resumed_fields
from tui.headless.documents.check import stock_fields
from tui.headless.documents.entries import lane_rows
from tui.headless.documents.restore_plan import choice_fields, evidence_fields, missing
from tui.headless.json_text import SCHEMA


def repair_document(
    plan: RepairPlan,
    verdicts: tuple[StoreVerdict, StoreVerdict],
    *,
    park_tail: bool,
    applied: Applied | None = None,
    resumed: Iterable[Applied] = (),
    interrupted: Iterable[str] = (),
    plan_file: str | None = None,
) -> dict[str, Any]:
    """`verdicts` are those before and after it; `plan_file` is where the plan was written to.

    `resumed` were finished first; `interrupted` are the operations that wait for that. Lists of entries are iterators.
    """
    recovery, (before, after) = plan.recovery, verdicts
    location = recovery.snapshot.location
    return {
        "schema": SCHEMA,
        "operation": "repair",
        "store": location,
        "refused": refused_fields(plan.refusal),
        **change_fields(plan.change_set, len(recovery.snapshot.index.files), location),
        "derived": [_derived_fields(each) for each in recovery.derived],
        "recovered": recovered_entries(recovery),
        "rejected": rejected_entries(recovery),
        "parked": parked_entries(recovery) if park_tail else [],
        "side_effects": list(plan.side_effects),
        "minimal": recovery.proven_minimal,
        "gaps": missing(recovery.preview),
        **choice_fields(recovery),
        **evidence_fields(recovery),
        "stock_before": stock_fields(before),
        "stock_after": stock_fields(after),
        "applied": applied_fields(applied),
        "resumed": resumed_fields(resumed),
        "interrupted": list(interrupted),
        "plan_file": plan_file,
    }


def recovered_entries(recovery: Recovery) -> Iterator[dict[str, Any]]:
    """The entries that only `metadata_backup/` still holds and that become visible, with the files that hold them."""
    ground = recovery.preview.ground
    for kind, lines in ground.lines.items():
        rows = [row for row, line in zip(ground.added[kind].tolist(), lines, strict=True) if line.claim is not None]
        entries = lane_rows(recovery.index.lanes[kind], np.array(rows, dtype=np.int64))
        yield from ({"lane": kind.value} | each for each in entries)


def rejected_entries(recovery: Recovery) -> Iterator[dict[str, Any]]:
    """The entries that are to be seen no more, each with the reason."""
    return _left_out(recovery, recovery.rejected)


def parked_entries(recovery: Recovery) -> Iterator[dict[str, Any]]:
    """The entries behind a true gap, which can be parked until it is closed, each with the reason."""
    return _left_out(recovery, recovery.tail)


def _left_out(recovery: Recovery, rows: Mapping[LaneKind, I64]) -> Iterator[dict[str, Any]]:
    preview = recovery.preview
    for kind, lane in recovery.snapshot.index.lanes.items():
        why = preview.left_out[kind].why
        places = preview.ground.visible(kind)[rows[kind]].tolist()
        for place, fields in zip(places, lane_rows(lane, rows[kind]), strict=True):
            yield {"lane": kind.value} | fields | {"reason": why(place)}


def _derived_fields(derived: DerivedManifest) -> dict[str, Any]:
    fields = {"handle": derived.record.manifest, "lane": derived.lane.value, "spliced_from": derived.source}
    first, last = named_range(derived.record)
    return fields | {"first": first, "last": last, "chunks": derived.end - derived.begin}

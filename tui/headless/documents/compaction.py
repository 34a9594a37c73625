"""The document of `compact --dry-run`: what one run of stock's compaction would write, retire and let expire."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from core.codec import encode_record
from core.compaction import CompactionPreview
from core.model import IdentityRecord
from core.stock import group_content
from tui.headless.json_text import SCHEMA
from tui.headless.refusal import Refusal

#: Stock mints a random identity; only its length can be told before.
_IDENTITY_BYTES: Final = len(encode_record(IdentityRecord("0" * 64)))


def compaction_document(preview: CompactionPreview, refused: Refusal | None, stock: dict[str, Any]) -> dict[str, Any]:
    """`stock` is `check.stock`; it holds before and after, as compaction copies every line that is not refused."""
    writes = list(_writes(preview))
    retires = [
        {"handle": each.handle, "because": f"compacted at {each.compacted_at}, {each.overdue} s past its grace"}
        for each in preview.retired
    ]
    return {
        "schema": SCHEMA,
        "operation": "compact",
        "refused": _refused(refused),
        "writes": writes,
        "retires": retires,
        "expires": list(_expires(preview)),
        "files_before": preview.files_before,
        "files_after": preview.files_after,
        "stock_before": stock,
        "stock_after": stock,
        "plan_id": _plan_id(preview, writes, retires),
        "applied": None,
        "stops": _stops(preview),
        "hazards": [
            {"kind": each.id, "count": each.count, "explanation": each.text, "handles": list(each.handles)}
            for each in preview.hazards
        ],
    }


def _refused(refused: Refusal | None) -> dict[str, Any] | None:
    if refused is None:
        return None
    return {
        "kind": refused.kind,
        "explanation": refused.explanation,
        "stock_says": refused.stock_says,
        "next_step": refused.next_step,
    }


def _writes(preview: CompactionPreview) -> Iterator[dict[str, Any]]:
    run = preview.run
    if run.writes_identity:
        yield {"handle": "metadata/identity.meta", "lines": 1, "bytes": _IDENTITY_BYTES}
    for group in run.written:
        yield {"handle": group.handle, "lines": len(group.rows), "bytes": len(group_content(run.index, group))}
    if run.timestamps is not None and not run.timestamps_taken:
        size = len(encode_record(run.timestamps))
        yield {"handle": f"metadata/{run.timestamps_name}", "lines": 1, "bytes": size}


def _expires(preview: CompactionPreview) -> Iterator[dict[str, Any]]:
    """The files that stay for now, and the unix second after which a run sets them aside."""
    run = preview.run
    times = run.timestamps.compaction_timestamps if run.timestamps else {}
    for handle, stamp in times.items():
        if stamp is not None:
            yield {"handle": handle, "at": stamp + run.options.remove_compacted_after}


def _stops(preview: CompactionPreview) -> dict[str, Any] | None:
    stop = preview.stop
    if stop is None:
        return None
    return {
        "step": stop.step.value,
        "message": stop.message,
        "panic": stop.panic,
        "lane": stop.lane.value if stop.lane else None,
        "group": stop.group,
        "handle": stop.handle,
    }


def _plan_id(preview: CompactionPreview, writes: list[dict[str, Any]], retires: list[dict[str, str]]) -> str:
    """Equal for equal listings, options and outcomes: two runs with one id would do the same."""
    listing = [(file.handle, file.listed.size, file.lines) for file in preview.run.index.files]
    # The timestamps file is named after the second of the run, which is no part of the plan.
    timestamps = f"metadata/{preview.timestamps_name}"
    outcome = [(each["handle"], each["lines"]) for each in writes if each["handle"] != timestamps]
    gone = [each["handle"] for each in retires]
    text = repr((listing, preview.run.options, outcome, gone)).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=8).hexdigest()

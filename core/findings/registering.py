"""The line that a manifest should have in the index, and the command that writes it."""

from __future__ import annotations

from core.codec import encode_record
from core.findings.case import Case
from core.findings.commands import tools
from core.form import Form, forms_of
from core.manifests import ManifestFacts
from core.manifests.verify import waypoint_version
from core.model import EpochEndingRecord, LaneKind, RangeRecord, StateSnapshotRecord, TransactionRecord
from core.names import alone_name


def record_of(facts: ManifestFacts) -> RangeRecord | None:
    """The line that stock would have written for a whole backup."""
    if facts.range is None:
        return None
    first, last = facts.range
    if facts.lane is LaneKind.TRANSACTIONS:
        return TransactionRecord(first, last, facts.handle)
    if facts.epoch is not None:
        return StateSnapshotRecord(facts.epoch, first, facts.handle)
    versions = waypoint_version(facts.first_waypoint or ""), waypoint_version(facts.last_waypoint or "")
    if versions[0] is None or versions[1] is None:
        return None
    return EpochEndingRecord(first, last, versions[0], versions[1], facts.handle)


def register(case: Case, record: RangeRecord) -> str:
    """Write the line that is missing, outside of `metadata/` first, under a name that is not taken."""
    name = alone_name(record)
    taken = {file.listed.name for index in (case.index, case.retired) for file in index.files}
    number = 0
    while name in taken:
        number += 1
        name = f"{alone_name(record).removesuffix('.meta')}.registered_{number}.meta"
    line = encode_record(record).decode().rstrip("\n")
    return tools(case).put_line(line, name, zipped=forms_of(case.index).only is Form.GZIP)

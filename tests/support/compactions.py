"""Carries out a simulated compaction on dictionaries of files, as stock would on the folders of a LocalFs store."""

from __future__ import annotations

from collections.abc import Mapping

from core.codec import encode_record
from core.stock import CompactionRun, group_content

Files = dict[str, bytes]


def carried_out(run: CompactionRun, metadata: Mapping[str, bytes], backup: Mapping[str, bytes]) -> tuple[Files, Files]:
    """`metadata/` and `metadata_backup/` after `run`: new names only are written, a moved file replaces one there."""
    listed, retired = dict(metadata), dict(backup)
    for group in run.written:
        listed.setdefault(group.name, group_content(run.index, group))
    for handle in run.retired:
        name = handle.removeprefix("metadata/")
        retired[name] = listed.pop(name)
    if run.timestamps is not None:
        listed.setdefault(run.timestamps_name, encode_record(run.timestamps))
    return listed, retired

"""Stores on disk to look at: the example stores of the catalogue, unpacked and with times that say nothing."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

from core.findings import Case, find
from core.host import FixedHost
from core.manifests import collect_evidence
from core.model import Finding
from core.snapshot import Snapshot, take_snapshot
from core.stock import CompactionOptions
from core.storage import LocalReader
from tests.support.data import data_path
from tests.support.stores import with_backups

#: When every file of an example store was written, and when it is looked at; unix seconds.
WRITTEN_AT = 1_699_000_000
LOOKED_AT = 1_800_000_000


def hazard_store(name: str, folder: Path) -> Path:
    """A copy of `hazard-stores/NAME` in `folder`; empty folders, which do not travel, are made."""
    store = folder / name
    if name == "vacuous-verify":
        (store / "metadata").mkdir(parents=True)
    else:
        shutil.copytree(data_path("hazard-stores", name), store)
    if name == "list-placeholder":
        (store / "metadata" / "sub").mkdir()
    settle(store)
    return store


def example_store(name: str, folder: Path) -> Path:
    """The unpacked `stores/NAME.tar.gz` in `folder`."""
    with tarfile.open(data_path("stores", f"{name}.tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    return folder / name


def settle(store: Path, at: int = WRITTEN_AT) -> None:
    """Give everything in a store one time, long before it is looked at."""
    for path in store.rglob("*"):
        os.utime(path, (at, at), follow_symlinks=False)


def look(store: Path) -> Snapshot:
    """A snapshot of a store on disk, of whose backups most do not travel with the examples."""
    return with_backups(take_snapshot(LocalReader(str(store)), FixedHost(LOOKED_AT)))


def check(
    store: Path, level: int = 1, factors: tuple[CompactionOptions, ...] = (), now: float = LOOKED_AT
) -> tuple[Finding, ...]:
    """All findings of a store on disk."""
    return check_snapshot(look(store), level, factors, now, store)


def check_snapshot(
    snapshot: Snapshot,
    level: int = 1,
    factors: tuple[CompactionOptions, ...] = (),
    now: float = LOOKED_AT,
    store: Path | None = None,
) -> tuple[Finding, ...]:
    """All findings of a snapshot; from level 2 on `store` is where its manifests are."""
    evidence = collect_evidence(LocalReader(str(store)), snapshot, level) if level > 1 else None
    return find(Case(snapshot, now, factors, evidence), level)


def kinds(findings: tuple[Finding, ...]) -> set[str]:
    """The hazards that were found."""
    return {finding.kind for finding in findings}

"""What stock would do with a store is the same wherever its bytes live: in a folder, in a bucket, behind commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.adapters import write_adapter
from tests.support.change_sets import with_a_backup
from tests.support.commands import seamline
from tests.support.data import data_path
from tests.support.hazards import hazard_store
from tests.support.servers.running import Bucket
from tests.support.soaking import SOAKED

HAZARDS = sorted(path.name for path in data_path("hazard-stores").iterdir() if path.is_dir())
#: Hazards of folders, not of what is in them: an empty one, links, and a second file system exist on disks alone.
OF_FOLDERS = frozenset({"list-placeholder", "backup-dir-cross-device", "backup-dir-overwrite"})
EVERYWHERE = sorted(frozenset(HAZARDS) - OF_FOLDERS)
#: In a bucket every sixth is asked; in a soak all are.
STEP = 1 if SOAKED else 6

Ask = Callable[[str | Path], dict[str, Any]]

#: Of a check: what depends on the bytes alone.
_ALIKE = ("verdict", "counts", "storage_state", "stock", "best")


#: Lists what `metadata/` holds, hidden files too, as the listings of clouds do.
_LIST_ALL = "shopt -s dotglob; cd -- \"$STORE_DIR\" && printf '%s\\n' metadata/*"


def checked(place: str | Path) -> dict[str, Any]:
    """What stock would do with a store, as far as metadata tell it."""
    outcome = seamline("check", place, "--json")
    return {"code": outcome.code} | {name: outcome.document.get(name) for name in _ALIKE}


def planned(place: str | Path) -> dict[str, Any]:
    """What stock would restore, with the manifests that this needs."""
    outcome = seamline("restore-plan", place, "--json")
    return {"code": outcome.code, "stock": outcome.document.get("stock", outcome.document)}


def differing(names: list[str], folder: Path, upload: Callable[[Path], str], *asked: Ask) -> list[str]:
    """The stores on which the answers differ."""
    stores = {name: with_a_backup(hazard_store(name, folder / name)) for name in names}
    assert len(stores) >= 8
    return [
        name
        for name, here in stores.items()
        if any(ask(there) != ask(here) for there in [upload(here)] for ask in asked)
    ]


def test_stock_does_the_same_with_a_store_in_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    def upload(store: Path) -> str:
        there = replace(bucket, prefix=f"{bucket.prefix}/{store.name}")
        for file in sorted(store.rglob("*")):
            if file.is_file():
                there.put(str(file.relative_to(store)), file.read_bytes())
        return there.url

    asked = EVERYWHERE[sum(bucket.url.partition(":")[0].encode()) % STEP :: STEP]
    assert differing(asked, tmp_path, upload, checked, planned) == []


def test_stock_does_the_same_with_a_store_behind_commands(tmp_path: Path) -> None:
    """A command that fails does not say whether a file is there, so of manifests that are gone nothing is told."""

    def adapter(store: Path) -> str:
        return write_adapter(tmp_path / f"{store.name}.yaml", store, listing=_LIST_ALL)

    assert differing(EVERYWHERE[::STEP], tmp_path, adapter, checked) == []

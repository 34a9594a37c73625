"""A real server that ignores conditions is found out before anything of the store is written: `rclone serve s3`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Refused
from core.lease import hold
from core.machine import ThisMachine
from core.names import PROBE_HANDLE
from tests.support.change_sets import base_folder
from tests.support.changed_stores import HUNDRED
from tests.support.commands import LATER, seamline
from tests.support.lease_places import TRUSTED, open_place
from tests.support.machines import FakeMachine
from tests.support.servers.rclone_s3 import rclone_s3
from tests.support.servers.running import BUCKET, variables

STORE = f"s3://{BUCKET}/store"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a store that rclone serves; the environment leads there."""
    folder = base_folder(tmp_path / BUCKET / "store")
    with rclone_s3(tmp_path) as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        yield folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_it_gives_everybody_the_lease_where_it_is_trusted(served: Path) -> None:
    """What the probe is for."""
    one, other = (open_place(f"{TRUSTED}{STORE}", ThisMachine()).store for _ in range(2))
    assert one.swap("compaction.lock", b"one", None)
    assert other.swap("compaction.lock", b"other", None)


def test_it_is_refused_and_nothing_but_the_probe_is_written(served: Path) -> None:
    before = files(served)
    lease = hold(open_place(STORE, ThisMachine()).store, ThisMachine(), purpose="compact")
    with pytest.raises(Refused, match="ignores the conditions") as caught, lease:
        raise AssertionError("it was trusted")
    assert caught.value.hazard == "unconditional-storage"
    outcome = seamline("compact", STORE, *HUNDRED, "--yes", "--json", machine=FakeMachine(moment=float(LATER)))
    assert outcome.code == 6
    assert "ignores the conditions" in outcome.document["error"]["message"]
    after = files(served)
    assert {name: content for name, content in after.items() if name != PROBE_HANDLE} == before
    assert PROBE_HANDLE in after


def test_it_is_looked_at_as_any_other(served: Path) -> None:
    (served / "transaction_0-.aaaa").mkdir()
    (served / "transaction_0-.aaaa" / "transaction.manifest").write_bytes(b"{}")
    outcome = seamline("check", STORE, "--json")
    assert (outcome.code, outcome.document["verdict"]) == (0, "clean"), outcome.out

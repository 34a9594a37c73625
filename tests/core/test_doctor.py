"""The doctor on folders: what it sees, what it tries, and that it leaves nothing behind and goes where it is sent."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.doctor import CheckState, Examination, Patient, Result, examine, patient_for
from core.errors import Stopped, UsageError
from core.lease_choice import LeaseChoice
from core.machine import ThisMachine
from core.names import PROBE_HANDLE
from core.operations import operations_for
from core.storage import LocalReader
from core.storage.protocol import Listed
from tests.support.change_sets import base_folder
from tests.support.machines import FakeMachine

LEFT = {PROBE_HANDLE, f"{PROBE_HANDLE}.flock"}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def patient_of(store: Path, **changes: object) -> Patient:
    made = patient_for(str(store), ThisMachine())
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def result_of(examination: Examination, id_: str) -> Result:
    (found,) = [each for each in examination.results if each.id == id_]
    return found


@contextmanager
def as_nobody() -> Iterator[None]:
    """As somebody without the rights of root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_good_folder_is_well_and_nothing_but_the_probe_is_left_in_it(store: Path) -> None:
    before = tree(store)
    examination = examine(patient_of(store))
    problems = [each for each in examination.results if each.state is not CheckState.OK and each.id != "own-folders"]
    assert problems == []
    after = tree(store)
    assert set(after) - set(before) == LEFT
    assert {name: content for name, content in after.items() if name not in LEFT} == before
    assert not (store / "seamline").exists()


@pytest.mark.parametrize("names", [(), ("identity.meta",)], ids=["empty", "identity alone"])
def test_nothing_is_tried_in_a_place_that_is_most_likely_the_wrong_one(tmp_path: Path, names: tuple[str, ...]) -> None:
    (tmp_path / "metadata").mkdir()
    for name in names:
        (tmp_path / "metadata" / name).write_bytes(b'{"Identity":{"id":"' + b"0" * 64 + b'"}}\n')
    before = sorted(tmp_path.rglob("*"))
    examination = examine(patient_of(tmp_path))
    assert examination.word == "unreachable"
    assert {each.id for each in examination.results} == {"reach", "mount", "own-folders"}
    assert sorted(tmp_path.rglob("*")) == before


def test_a_place_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    examination = examine(patient_of(tmp_path / "typo"))
    assert examination.word == "unreachable"
    assert "No such file" in result_of(examination, "reach").seen
    assert not (tmp_path / "typo").exists()


def test_in_a_folder_that_may_only_be_read_it_says_what_works(store: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shown = Path(shutil.copytree(store, Path(folder) / "store"))
        before = tree(shown)
        shown.chmod(0o555)
        with as_nobody():
            examination = examine(patient_of(shown))
        assert tree(shown) == before
    assert examination.word == "no-writing"
    assert [result_of(examination, id_).state for id_ in ("reach", "read", "listing")] == [CheckState.OK] * 3
    assert "Permission denied" in result_of(examination, "write").seen
    assert "Permission denied" in result_of(examination, "conditions").seen
    assert {result_of(examination, id_).state for id_ in ("move", "delete")} == {CheckState.UNTRIED}


def test_beside_a_running_operation_it_says_who_holds_the_lease(store: Path) -> None:
    holder = FakeMachine(pid=77, host="beta", moment=ThisMachine().now())
    with operations_for(str(store), holder).lease("compact", "of last night") as lease:
        found = result_of(examine(patient_of(store)), "lease")
        lease.check()
    assert found.state is CheckState.NOTE
    assert "operator@beta (pid 77)" in found.seen
    assert "of last night" in found.seen
    assert result_of(examine(patient_of(store)), "lease").seen == "it is free"


def test_a_lock_file_that_nobody_can_read_bars_writing(store: Path) -> None:
    (store / "compaction.lock").write_bytes(b"?")
    examination = examine(patient_of(store))
    assert (result_of(examination, "lease").state, examination.word) == (CheckState.PROBLEM, "no-writing")


class Lagging(LocalReader):
    """Lists a file less, or shows no fresh file, from some listing on."""

    def __init__(self, folder: str, hidden: str, after: int = 0) -> None:
        super().__init__(folder)
        self.hidden = hidden
        self.left = after

    def list_folder(self, folder: str) -> list[Listed]:
        listing = list(super().list_folder(folder))
        if folder == "metadata":
            self.left -= 1
        return [each for each in listing if self.left >= 0 or each.handle != self.hidden]


def test_a_listing_that_leaves_out_what_is_there_is_found_out(store: Path) -> None:
    handle = min(f"metadata/{path.name}" for path in (store / "metadata").iterdir())
    found = result_of(examine(patient_of(store, open_reader=lambda: Lagging(str(store), handle, after=1))), "listing")
    assert found.state is CheckState.PROBLEM
    assert f"{handle} is there all the same" in found.seen


def test_what_an_earlier_look_saw_is_looked_up(store: Path) -> None:
    handle = min(f"metadata/{path.name}" for path in (store / "metadata").iterdir())
    name = handle.removeprefix("metadata/")
    known = frozenset((name,))
    hidden = patient_of(store, open_reader=lambda: Lagging(str(store), handle), known_names=known)
    found = result_of(examine(hidden), "listing")
    assert (found.state, "there and not listed" in found.seen) == (CheckState.PROBLEM, True)
    (store / handle).unlink()
    gone = result_of(examine(patient_of(store, known_names=known)), "listing")
    assert (gone.state, "1 name of an earlier look is gone" in gone.seen) == (CheckState.NOTE, True)


def test_odd_names_and_folders_in_metadata_are_counted(store: Path) -> None:
    (store / "metadata" / "a b.meta").write_bytes(b"")
    (store / "metadata" / "old").mkdir()
    found = result_of(examine(patient_of(store)), "names")
    assert found.state is CheckState.NOTE
    assert "1 name of no file: metadata/old; 1 odd name: metadata/a b.meta" in found.seen


def test_folders_of_ours_that_others_may_write_to_are_told(store: Path, tmp_path: Path) -> None:
    shared = tmp_path / "cache"
    shared.mkdir()
    shared.chmod(0o777)
    examination = examine(patient_of(store, own_folders=(shared, tmp_path / "none")))
    found = [each for each in examination.results if each.id == "own-folders" and each.state is CheckState.PROBLEM]
    assert [str(shared) in each.seen for each in found] == [True]


class Ends:
    """Wants no more after so many questions, and counts what it was told."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.told: list[str] = []

    def tell(self, what: str) -> None:
        self.told.append(what)

    def stopped(self) -> bool:
        self.left -= 1
        return self.left < 0

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        yield


def test_stopped_anywhere_it_takes_away_what_it_tried(store: Path, tmp_path: Path) -> None:
    stops = 0
    while True:
        watch = Ends(stops)
        try:
            examine(patient_of(store, watch=watch))
        except Stopped:
            stops += 1
        else:
            break
        assert not (store / "seamline").exists()
    assert stops > len(watch.told), "also between the steps of a trial"


def test_each_kind_of_store_has_its_own_checks_and_each_is_told(store: Path) -> None:
    watch = Ends(10**6)
    ids = {each.id for each in examine(patient_of(store, watch=watch)).results}
    assert {"mount", "device", "rights", "space", "flush"} <= ids
    assert len(set(watch.told)) == len(watch.told)


def test_a_location_that_there_is_not_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    for location in ("ftp://x/y", "s3://", str(tmp_path / "none.yaml")):
        with pytest.raises(UsageError):
            examine(patient_for(location, ThisMachine()))
    with pytest.raises(UsageError):
        examine(patient_for(str(tmp_path), ThisMachine(), LeaseChoice(on_host=True)))
    assert list(tmp_path.iterdir()) == []


def test_the_worst_result_decides(store: Path) -> None:
    examination = examine(patient_of(store))
    ok = Result("a", "a", CheckState.OK, "")
    assert replace(examination, results=(ok,)).word == "well"
    assert replace(examination, results=(ok, replace(ok, state=CheckState.UNTRIED))).word == "usable"

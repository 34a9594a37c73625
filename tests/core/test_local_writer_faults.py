"""Disks that are full, mounted read-only or somebody else's: a clear word, and nothing half done is seen."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import count
from pathlib import Path

import pytest

from core.errors import OutcomeUnknown, SeamlineError, WriteFailed
from core.storage.local.writer import LocalWriter
from tests.support.storage_folders import (
    KERNELS,
    folder_elsewhere,
    names_in,
    needs_mounts,
    new_store,
    python,
    python_with_mounts,
)
from tests.support.writer_conformance import LINE, STAGED, A

# Each script prints one JSON document; $1 is the store.
START = """
import json, os, sys
from pathlib import Path
from core.errors import SeamlineError
from core.storage.local.writer import LocalWriter
store = Path(sys.argv[1])
writer = LocalWriter(str(store))
def error_of(call, *arguments):
    try:
        call(*arguments)
    except SeamlineError as error:
        return [type(error).__name__, error.message, error.hint]
def tree():
    return {str(path.relative_to(store)): path.stat().st_size for path in sorted(store.rglob("*")) if path.is_file()}
"""
FILL = (
    START
    + """
content = b"x" * 9_999 + b"\\n"
made, errors = [], []
for number in range(100):
    error = error_of(writer.create, f"metadata/{number}.meta", content)
    errors.append(error) if error else made.append(f"metadata/{number}.meta")
sizes = tree()
again = None
if made:
    os.unlink(store / made[0])
    again = error_of(writer.create, "metadata/again.meta", content)
print(json.dumps({"made": made, "errors": errors, "sizes": sizes, "again": again}))
"""
)
TINY = 'mount -t tmpfs -o size=512k none "$1"; mkdir "$1/metadata"'
OTHER_KERNEL = "import os; del os.O_TMPFILE"


@pytest.mark.parametrize("kernel", ["", OTHER_KERNEL], ids=["as it is", "no nameless files"])
@needs_mounts
def test_on_a_full_disk_files_are_whole_or_absent(tmp_path: Path, kernel: str) -> None:
    told = json.loads(python_with_mounts(TINY, f"{kernel}\n{FILL}", str(tmp_path)))
    assert 10 < len(told["made"]) < 60
    assert told["sizes"] == dict.fromkeys(told["made"], 10_000)
    names = {error[0] for error in told["errors"]}
    assert names == {"WriteFailed"}
    assert "the disk is full (No space left on device (os error 28))" in told["errors"][0][1]
    assert told["errors"][0][2] == "make room there, then try again"
    assert told["again"] is None


ADD = (
    START
    + """
handle = "seamline/journal/1.jsonl"
writer.create("seamline/ballast", b"x" * 400_000)
lines = [b"%06d" % number * 1_000 + b"\\n" for number in range(100)]
errors = [error_of(writer.append, handle, line) for line in lines]
kept = [line for line, error in zip(lines, errors) if error is None]
whole = (store / handle).read_bytes() == b"".join(kept)
print(json.dumps({"errors": [each for each in errors if each], "kept": len(kept), "whole": whole}))
"""
)


@needs_mounts
def test_what_does_not_fit_is_not_added_in_part(tmp_path: Path) -> None:
    told = json.loads(python_with_mounts(TINY, ADD, str(tmp_path)))
    assert 3 < told["kept"] < 50
    assert told["whole"]
    assert {error[0] for error in told["errors"]} == {"WriteFailed"}
    assert "the disk is full" in told["errors"][0][1]


def test_a_limit_of_file_size_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))\n"
    for kernel in ("", OTHER_KERNEL):
        told = json.loads(python(f"{kernel}\n{limited}{FILL}", str(new_store(tmp_path / f"store{bool(kernel)}"))))
        assert (told["made"], told["sizes"]) == ([], {})
        assert "may not grow that large" in told["errors"][0][1]
    told = json.loads(python(limited + ADD.replace("400_000", "1_000"), str(new_store(tmp_path / "other"))))
    assert told["kept"] == 0
    assert told["whole"]


MOVE = (
    START
    + """
writer.create("metadata/a.meta", b"x" * 300_000)
error = error_of(writer.move, "metadata/a.meta", "metadata_backup/a.meta")
print(json.dumps({"error": error, "sizes": tree(), "hidden": os.listdir(store / "metadata_backup")}))
"""
)


@pytest.mark.parametrize("kernel", ["", OTHER_KERNEL], ids=["as it is", "no nameless files"])
@needs_mounts
def test_a_file_that_has_no_room_elsewhere_stays_where_it_is(tmp_path: Path, kernel: str) -> None:
    mounts = 'mkdir "$1/metadata" "$1/metadata_backup"; mount -t tmpfs -o size=128k none "$1/metadata_backup"'
    told = json.loads(python_with_mounts(mounts, f"{kernel}\n{MOVE}", str(tmp_path)))
    assert told["error"][0] == "WriteFailed"
    assert "the disk is full" in told["error"][1]
    assert told["sizes"] == {"metadata/a.meta": 300_000}
    assert told["hidden"] == []


ALL_METHODS = """
errors = {
    "create": error_of(writer.create, "metadata/new.meta", b"x"),
    "link": error_of(writer.link, "seamline/staged/1", "metadata/new.meta"),
    "move": error_of(writer.move, "metadata/a.meta", "metadata_backup/a.meta"),
    "append": error_of(writer.append, "seamline/journal.jsonl", b"x"),
    "discard": error_of(writer.discard, "seamline/staged/1"),
}
print(json.dumps({"errors": errors, "sizes": tree()}))
"""
AS_NOBODY = "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)"
UNCHANGED = {"metadata/a.meta": len(LINE), "seamline/journal.jsonl": len(LINE), "seamline/staged/1": len(LINE)}


def filled(store: Path) -> Path:
    """A store of which each method of a writer could change something."""
    new_store(store)
    writer = LocalWriter(str(store))
    for handle in UNCHANGED:
        writer.create(handle, LINE)
    (store / "metadata_backup").mkdir()
    return store


@needs_mounts
def test_a_read_only_mount_is_told_and_left_alone(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    mounts = 'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"'
    told = json.loads(python_with_mounts(mounts, START + ALL_METHODS, str(store)))
    for error in told["errors"].values():
        assert error[0] == "WriteFailed"
        assert "mounted read-only (Read-only file system (os error 30))" in error[1]
    assert told["sizes"] == UNCHANGED


@pytest.fixture
def foreign_store() -> Iterator[Path]:
    """A store that everybody may read and only its owner may change."""
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder) / "store")
        for path in (Path(folder), store, *store.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield store
        for path in (Path(folder), store, *store.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_without_the_right_to_write_nothing_changes(foreign_store: Path) -> None:
    told = json.loads(python(START + AS_NOBODY + ALL_METHODS, str(foreign_store)))
    for error in told["errors"].values():
        assert error[0] == "WriteFailed"
        assert "no permission to write there" in error[1]
        assert error[2] == "run as the user who owns the store's folders"
    assert told["sizes"] == UNCHANGED


OWN_MOUNT = (
    START
    + """
errors = [
    error_of(writer.create, "seamline/staged/1", b"one\\n"),
    error_of(writer.create, "metadata/a.meta", b"two\\n"),
    error_of(writer.link, "seamline/staged/1", "metadata/b.meta"),
    error_of(writer.move, "metadata/a.meta", "metadata_backup/a.meta"),
    error_of(writer.move, "metadata_backup/a.meta", "metadata/a.meta"),
]
print(json.dumps({"errors": errors, "sizes": tree()}))
"""
)
MOUNT_METADATA = 'mkdir "$1/metadata"; mount -t tmpfs none "$1/metadata"'
WHOLE = {"metadata/a.meta": 4, "metadata/b.meta": 4, "seamline/staged/1": 4}


@needs_mounts
def test_metadata_on_a_mount_of_its_own_is_written_by_files_without_a_name(tmp_path: Path) -> None:
    told = json.loads(python_with_mounts(MOUNT_METADATA, OWN_MOUNT, str(tmp_path)))
    assert told["errors"] == [None] * 5
    assert told["sizes"] == WHOLE


@needs_mounts
def test_no_draft_is_ever_put_into_metadata_on_a_mount_of_its_own(tmp_path: Path) -> None:
    told = json.loads(python_with_mounts(MOUNT_METADATA, f"{OTHER_KERNEL}\n{OWN_MOUNT}", str(tmp_path)))
    assert [error and error[0] for error in told["errors"]] == [None, *["WriteFailed"] * 4]
    assert "on another file system" in told["errors"][1][1]
    assert told["errors"][1][2] == "keep metadata/ and seamline/ on the same file system"
    assert told["sizes"] == {"seamline/staged/1": 4}


@needs_mounts
def test_one_folder_mounted_under_both_names_loses_nothing(tmp_path: Path) -> None:
    mounts = 'mkdir "$1/metadata" "$1/metadata_backup"; mount --bind "$1/metadata" "$1/metadata_backup"'
    told = json.loads(python_with_mounts(mounts, MOVE, str(tmp_path)))
    assert told["error"][0] == "AlreadyThere"
    assert told["sizes"] == {"metadata/a.meta": 300_000, "metadata_backup/a.meta": 300_000}


@needs_mounts
def test_two_mounts_of_one_file_system_are_two_file_systems(tmp_path: Path) -> None:
    mounts = 'mkdir "$1/metadata" "$1/metadata_backup" "$1-b"; mount --bind "$1-b" "$1/metadata_backup"'
    told = json.loads(python_with_mounts(mounts, MOVE, str(tmp_path)))
    assert told["error"] is None
    assert told["sizes"] == {"metadata_backup/a.meta": 300_000}


@pytest.mark.parametrize(("handle", "error"), [(A, WriteFailed), (STAGED, WriteFailed)], ids=["metadata", "seamline"])
def test_a_store_that_goes_away_is_told(tmp_path: Path, handle: str, error: type[SeamlineError]) -> None:
    store = new_store(tmp_path / "store")
    writer = LocalWriter(str(store))
    store.rename(tmp_path / "unmounted")
    with pytest.raises(error, match="no such file or folder"):
        writer.create(handle, LINE)
    with pytest.raises(OutcomeUnknown):
        writer.flush("metadata")
    assert names_in(tmp_path) == ["unmounted"]


CALLS = ("open", "mkdir", "fsync", "link", "unlink", "write", "stat", "fstat", "rmdir", "pread", "pwrite", "utime")


@pytest.mark.parametrize("kernel", ["as it is", "like NFS"])
@pytest.mark.parametrize("crossing", [False, True], ids=["one file system", "two"])
@pytest.mark.parametrize("name", CALLS)
def test_nothing_the_system_says_gets_out_untold(
    tmp_path: Path, name: str, crossing: bool, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each use of a call fails in turn, with one of many errors; whatever comes out is ours, and it is true."""
    KERNELS[kernel](monkeypatch)
    with folder_elsewhere(tmp_path) if crossing else nullcontext(tmp_path) as folder:
        for number in (errno.EPERM, errno.EIO, errno.EEXIST):
            for at in count(1):
                store, retired = folder / f"{number}-{at}", tmp_path / f"{number}-{at}-retired"
                _fill_quickly(store, retired)
                if not _work_with_a_failure(store, monkeypatch, name, at, number):
                    break
                assert set(names_in(store / "metadata")) <= {"a.meta", "b.meta", "c.meta"}
                assert "a.meta" in names_in(store / "metadata") + names_in(retired)


def _fill_quickly(store: Path, retired: Path) -> None:
    for handle in UNCHANGED:
        (store / handle).parent.mkdir(parents=True, exist_ok=True)
        (store / handle).write_bytes(LINE)
    retired.mkdir()
    (store / "metadata_backup").symlink_to(retired)


def _work_with_a_failure(store: Path, monkeypatch: pytest.MonkeyPatch, name: str, at: int, number: int) -> bool:
    """Whether the call was used so often."""
    writer = LocalWriter(str(store))
    real, uses = getattr(os, name), count(1)

    def fail_once(*arguments: object, **options: object) -> object:
        if next(uses) == at:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    acts = (
        lambda: writer.create("metadata/b.meta", LINE),
        lambda: writer.link("seamline/staged/1", "metadata/c.meta"),
        lambda: writer.append("seamline/journal.jsonl", LINE),
        lambda: writer.append("seamline/new.jsonl", LINE),
        lambda: writer.move("metadata/a.meta", "metadata_backup/a.meta"),
        lambda: writer.flush("metadata_backup"),
        lambda: writer.discard("seamline/staged/1"),
    )
    for act in acts:
        before = contents_of(store)
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail_once)
            error = error_of(act)
        if error is not None:
            assert error.hint
            assert str(number) in error.message or number == errno.EEXIST or "neither" in error.message
        if isinstance(error, WriteFailed):
            assert contents_of(store) == before
        assert set(contents_of(store).values()) <= {LINE, LINE * 2}
    return next(uses) > at


def error_of(act: Callable[[], None]) -> SeamlineError | None:
    """What came of it, if anything went wrong."""
    try:
        act()
    except SeamlineError as error:
        return error
    return None


def contents_of(store: Path) -> dict[str, bytes]:
    """What the files hold that hold anything."""
    paths = [*store.rglob("*"), *(store / "metadata_backup").iterdir()]
    contents = {str(path.relative_to(store)): path.read_bytes() for path in paths if path.is_file()}
    return {path: content for path, content in contents.items() if content}

"""A file in a folder that is changed only by who saw its last version."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.errors import AlreadyThere, StoreUnreachable, WriteFailed
from core.lease import LOCK_HANDLE, hold
from core.machine import ThisMachine
from core.storage.local.conditional import LocalConditional

ROOT = Path(__file__).parents[2]
FLOCK = f"{LOCK_HANDLE}.flock"


@pytest.fixture
def store(tmp_path: Path) -> LocalConditional:
    return LocalConditional(str(tmp_path), patience=0.2)


def content(store: LocalConditional) -> bytes | None:
    """What stands there."""
    there = store.load(LOCK_HANDLE, 1024)
    return there.content if there else None


def test_a_file_is_made_once_and_replaced_only_by_who_saw_its_last_version(store: LocalConditional) -> None:
    assert store.load(LOCK_HANDLE, 1024) is None
    first = store.swap(LOCK_HANDLE, b"one", None)
    with pytest.raises(AlreadyThere):
        store.swap(LOCK_HANDLE, b"two", None)
    second = store.swap(LOCK_HANDLE, b"three", first)
    for stale in (first, "", "x"):
        with pytest.raises(AlreadyThere):
            store.swap(LOCK_HANDLE, b"four", stale)
    there = store.load(LOCK_HANDLE, 1024)
    assert there is not None
    assert (there.content, there.tag) == (b"three", second)


def test_a_file_that_is_gone_can_not_be_replaced(store: LocalConditional, tmp_path: Path) -> None:
    tag = store.swap(LOCK_HANDLE, b"one", None)
    (tmp_path / LOCK_HANDLE).unlink()
    with pytest.raises(AlreadyThere):
        store.swap(LOCK_HANDLE, b"two", tag)
    assert content(store) is None


def test_a_file_that_another_program_wrote_has_a_tag_too(store: LocalConditional, tmp_path: Path) -> None:
    (tmp_path / LOCK_HANDLE).write_bytes(b"x" * 200_000)
    there = store.load(LOCK_HANDLE, 1024)
    assert there is not None
    assert there.content == b"x" * 1025
    (tmp_path / LOCK_HANDLE).write_bytes(b"x" * 200_001)
    with pytest.raises(AlreadyThere):
        store.swap(LOCK_HANDLE, b"one", there.tag)
    there = store.load(LOCK_HANDLE, 1024)
    assert there is not None
    store.swap(LOCK_HANDLE, b"one", there.tag)
    assert content(store) == b"one"


def test_nothing_is_left_beside_but_the_file_to_lock_on(store: LocalConditional, tmp_path: Path) -> None:
    tag = store.swap(LOCK_HANDLE, b"one", None)
    store.swap(LOCK_HANDLE, b"two", tag)
    with pytest.raises(AlreadyThere):
        store.swap(LOCK_HANDLE, b"three", tag)
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK_HANDLE, FLOCK]


def test_a_reader_never_sees_half_a_file(store: LocalConditional) -> None:
    """Two sizes that are replaced by each other again and again; whatever is read is one of them as a whole."""
    versions = [b"a" * 1000, b"b" * 17]
    tag = store.swap(LOCK_HANDLE, versions[0], None)
    seen: set[bytes | None] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(content(store))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        tag = store.swap(LOCK_HANDLE, versions[number % 2], tag)
    done.set()
    reader.join()
    assert seen <= set(versions)


KILLED_BEFORE_THE_RENAME = """
import os, sys
from core.storage.local.conditional import LocalConditional
store = LocalConditional(sys.argv[1])
there = store.load("compaction.lock", 1024)
killed = lambda event, args: os.kill(os.getpid(), 9) if event in ("os.rename", "os.link", "ctypes.dlsym") else None
sys.addaudithook(killed)
store.swap("compaction.lock", b"never seen", there.tag)
"""


def test_what_a_killed_writer_left_is_harmless_and_cleaned_up_by_the_next(
    store: LocalConditional, tmp_path: Path
) -> None:
    tag = store.swap(LOCK_HANDLE, b"one", None)
    killed = subprocess.run([sys.executable, "-c", KILLED_BEFORE_THE_RENAME, tmp_path], cwd=ROOT, check=False)
    assert killed.returncode == -9
    drafts = [path for path in tmp_path.iterdir() if path.name.startswith(f".{LOCK_HANDLE}.")]
    assert [path.read_bytes() for path in drafts] == [b"never seen"]
    assert content(store) == b"one"
    store.swap(LOCK_HANDLE, b"two", tag)
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK_HANDLE, FLOCK]


def test_a_left_over_that_is_the_very_file_is_never_written_through(store: LocalConditional, tmp_path: Path) -> None:
    """Where renaming may replace, a new file has two names for a moment: cut off there, both stay."""
    tag = store.swap(LOCK_HANDLE, b"one", None)
    (tmp_path / draft_name(tmp_path)).hardlink_to(tmp_path / LOCK_HANDLE)
    with pytest.raises(AlreadyThere):
        store.swap(LOCK_HANDLE, b"two", "stale")
    assert content(store) == b"one"
    store.swap(LOCK_HANDLE, b"two", tag)
    assert content(store) == b"two"


def draft_name(folder: Path) -> str:
    """The name that content has before it is seen, as a writer that is killed leaves it."""
    other = folder / "other"
    other.mkdir()
    LocalConditional(str(other)).swap(LOCK_HANDLE, b"one", None)
    subprocess.run([sys.executable, "-c", KILLED_BEFORE_THE_RENAME, other], cwd=ROOT, check=False)
    (name,) = (path.name for path in other.iterdir() if path.name.startswith("."))
    return name


def make_folder(path: Path) -> None:
    path.mkdir()


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_link(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(b"precious")
    path.symlink_to("elsewhere")


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("make", [make_folder, make_fifo, make_link, make_dangling_link])
def test_what_is_no_plain_file_is_refused_and_never_followed_nor_waited_for(
    store: LocalConditional, tmp_path: Path, make: object
) -> None:
    assert callable(make)
    make(tmp_path / LOCK_HANDLE)
    with pytest.raises(StoreUnreachable, match="stands there"):
        store.load(LOCK_HANDLE, 1024)
    for tag in (None, "some"):
        with pytest.raises(WriteFailed, match="stands there"):
            store.swap(LOCK_HANDLE, b"one", tag)
    with pytest.raises(StoreUnreachable), hold(store, ThisMachine(), purpose="compact"):
        raise AssertionError("a lease was taken on something odd")
    assert not (tmp_path / "nowhere").exists()
    if make is make_link:
        assert (tmp_path / "elsewhere").read_bytes() == b"precious"


@pytest.mark.parametrize("make", [make_folder, make_link])
def test_the_file_to_lock_on_may_be_no_folder_and_no_link_either(
    store: LocalConditional, tmp_path: Path, make: object
) -> None:
    assert callable(make)
    make(tmp_path / FLOCK)
    with pytest.raises(WriteFailed):
        store.swap(LOCK_HANDLE, b"one", None)
    assert content(store) is None


@pytest.mark.parametrize("handle", ["metadata/x", "../x", "..", "", "a\nb", "/etc/x"])
def test_only_a_single_name_in_the_folder_is_read_or_written(store: LocalConditional, handle: str) -> None:
    with pytest.raises(StoreUnreachable):
        store.load(handle, 1024)
    with pytest.raises(WriteFailed):
        store.swap(handle, b"one", None)


def test_a_folder_that_is_not_there_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    store = LocalConditional(str(tmp_path / "missing"))
    with pytest.raises(StoreUnreachable, match="No such file"):
        store.load(LOCK_HANDLE, 1024)
    with pytest.raises(WriteFailed):
        store.swap(LOCK_HANDLE, b"one", None)
    assert not (tmp_path / "missing").exists()


def test_a_writer_that_is_stuck_is_waited_for_only_so_long(store: LocalConditional, tmp_path: Path) -> None:
    with (tmp_path / FLOCK).open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        with pytest.raises(WriteFailed, match=r"another process has held compaction\.lock\.flock for 0\.2 s"):
            store.swap(LOCK_HANDLE, b"one", None)
    store.swap(LOCK_HANDLE, b"one", None)


def test_whoever_may_change_the_folder_may_take_the_lease_after_somebody_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    LocalConditional(str(tmp_path)).swap(LOCK_HANDLE, b"one", None)
    assert (tmp_path / FLOCK).stat().st_mode & 0o777 == 0o664
    assert (tmp_path / LOCK_HANDLE).stat().st_mode & 0o777 == 0o664


ON_A_MOUNT = """
import sys
from core.errors import SeamlineError
from core.storage.local.conditional import LocalConditional
from pathlib import Path
store, folder = LocalConditional(sys.argv[1]), Path(sys.argv[1])
try:
    if sys.argv[2] == "full":
        tag = store.swap("compaction.lock", b"one", None)
        with (folder / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)):
                    continue
            except OSError:
                store.swap("compaction.lock", b"two", tag)
    else:
        store.swap("compaction.lock", b"one", None)
except SeamlineError as error:
    there = store.load("compaction.lock", 1024)
    left = sorted(path.name for path in folder.iterdir())
    print(type(error).__name__, error.message, there and there.content, *left, sep="|")
"""


def on_a_mount(folder: Path, options: str, how: str) -> list[str]:
    """What a swap says in a small file system of its own, mounted for one process."""
    if shutil.which("unshare") is None:
        pytest.skip("no file system can be mounted here")
    script = 'mount -t tmpfs -o "$1" none "$2" && shift && exec "$0" -c "$3" "$1" "$2"'
    words = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, sys.executable, options, str(folder)]
    run = subprocess.run([*words, how, ON_A_MOUNT], cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0 and ("unshare" in run.stderr or "mount" in run.stderr):
        pytest.skip("no file system can be mounted here")
    assert run.returncode == 0, run.stderr
    return run.stdout.strip().split("|")


def test_a_read_only_store_says_so(tmp_path: Path) -> None:
    kind, message, there, *left = on_a_mount(tmp_path, "ro", "once")
    assert kind == "WriteFailed"
    assert "the file system is mounted read-only" in message
    assert (there, left) == ("None", [""] if left else [])


def test_a_full_disk_says_so_and_the_last_version_stays(tmp_path: Path) -> None:
    kind, message, there, *left = on_a_mount(tmp_path, "size=64k", "full")
    assert kind == "WriteFailed"
    assert "the disk is full" in message
    assert (there, left) == ("b'one'", [LOCK_HANDLE, FLOCK, "filler"])

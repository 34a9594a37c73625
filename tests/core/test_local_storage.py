"""A store in a folder: opened and listed without following, creating or changing anything."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import StoreUnreachable, UsageError
from core.host import FixedHost
from core.snapshot import take_snapshot
from core.storage import HandleUnreadable, ListedKind, LocalReader, ReadFault, reader_for
from tests.support.small_store import LINE, MANIFEST, write_store

HOST = FixedHost(1_700_000_000.0)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_store(tmp_path)
    return tmp_path


def everything_in(folder: Path) -> dict[str, tuple[int, ...]]:
    """All that a write anywhere below `folder` would change."""
    paths = [folder, *folder.rglob("*")]
    statuses = {str(path): path.lstat() for path in paths}
    return {
        path: (each.st_mode, each.st_ino, each.st_nlink, each.st_uid, each.st_size, each.st_mtime_ns, each.st_ctime_ns)
        for path, each in statuses.items()
    }


@contextmanager
def as_nobody() -> Iterator[None]:
    """For a while, the rights of somebody who owns nothing: root may do anything, whatever the modes say."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public_store() -> Iterator[Path]:
    """A store in a folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        (store / "metadata").mkdir()
        (store / "metadata" / "a.meta").write_bytes(LINE)
        store.chmod(0o755)
        yield store
        store.chmod(0o755)
        (store / "metadata").chmod(0o755)


# Opening.


def test_looking_at_a_store_changes_nothing_in_it(store: Path) -> None:
    (store / "metadata_backup").mkdir()
    (store / "metadata_backup" / "old.meta").write_bytes(LINE)
    before = everything_in(store)
    reader = reader_for(str(store))
    take_snapshot(reader, HOST)
    reader.stat(MANIFEST)
    with reader.open(MANIFEST) as stream:
        stream.read()
    with pytest.raises(HandleUnreadable):
        reader.open("metadata/none.meta")
    reader.list_folder("metadata_quarantine")
    assert everything_in(store) == before


def test_a_store_without_any_right_to_write_is_read_all_the_same(public_store: Path) -> None:
    (public_store / "metadata" / "a.meta").chmod(0o444)
    (public_store / "metadata").chmod(0o555)
    public_store.chmod(0o555)
    before = everything_in(public_store)
    with as_nobody():
        with pytest.raises(PermissionError):
            (public_store / "probe").touch()
        snapshot = take_snapshot(reader_for(str(public_store)), HOST)
    assert len(snapshot.index.transactions) == 1
    assert everything_in(public_store) == before


def test_a_folder_that_is_not_there_is_an_error_and_stays_away(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "store"
    with pytest.raises(StoreUnreachable, match=r"No such file or directory \(os error 2\)") as caught:
        reader_for(str(missing))
    assert caught.value.exit_code == 20
    assert caught.value.hint == "check the path, the mount and the permissions"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("", "no folder is named"),
        ("file://", "no folder is named"),
        ("a\0b", "not a folder name"),
        ("a\ud800b", "not a folder name"),
        ("x" * 5_000, "File name too long"),
        ("/dev/null", "it is not a folder"),
        ("/etc/passwd", "it is not a folder"),
        ("/etc/passwd/x", "Not a directory"),
    ],
)
def test_what_is_no_folder_is_called_so(location: str, words: str) -> None:
    with pytest.raises(StoreUnreachable, match=words):
        reader_for(location)


def test_a_folder_without_metadata_is_no_store_and_is_not_made_one(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match="is no backup store: it holds no metadata/ folder") as caught:
        reader_for(str(tmp_path))
    assert caught.value.hint == "name the folder that holds metadata/"
    assert list(tmp_path.iterdir()) == []


def test_the_metadata_folder_itself_gets_the_hint_to_go_one_up(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(store / "metadata")
    for location in (str(store / "metadata"), str(store / "metadata") + "/", "."):
        with pytest.raises(StoreUnreachable) as caught:
            reader_for(location)
        assert caught.value.hint == "name the folder above metadata/"


def test_metadata_that_is_a_file_or_a_dead_link_or_turns_in_circles_is_refused(tmp_path: Path) -> None:
    kinds: dict[str, Callable[[Path], object]] = {
        "file": lambda path: path.write_bytes(b""),
        "dead": lambda path: path.symlink_to("nowhere"),
        "circle": lambda path: path.symlink_to("metadata"),
        "fifo": os.mkfifo,
    }
    for name, make in kinds.items():
        (tmp_path / name).mkdir()
        make(tmp_path / name / "metadata")
        with pytest.raises(StoreUnreachable):
            reader_for(str(tmp_path / name))


def test_a_file_that_may_not_be_read_is_named_with_the_reason(public_store: Path) -> None:
    (public_store / "metadata" / "a.meta").chmod(0)
    with as_nobody():
        snapshot = take_snapshot(LocalReader(str(public_store)), HOST)
    (fault,) = (file.fault for file in snapshot.index.files)
    assert fault is not None
    assert (fault.fault, fault.message) == (ReadFault.FAILED, "Permission denied (os error 13)")


def test_metadata_that_may_not_be_listed_says_so(public_store: Path) -> None:
    (public_store / "metadata").chmod(0)
    with as_nobody(), pytest.raises(StoreUnreachable, match="metadata can't be listed: Permission denied"):
        take_snapshot(LocalReader(str(public_store)), HOST)


def test_metadata_that_may_be_listed_but_not_entered_is_not_half_listed(public_store: Path) -> None:
    (public_store / "metadata").chmod(0o644)
    with as_nobody(), pytest.raises(StoreUnreachable, match="metadata can't be listed: Permission denied"):
        take_snapshot(LocalReader(str(public_store)), HOST)


def test_a_store_that_may_not_be_entered_says_so(public_store: Path) -> None:
    reader = LocalReader(str(public_store))
    public_store.chmod(0)
    with as_nobody():
        with pytest.raises(StoreUnreachable, match="metadata can't be looked at: Permission denied"):
            reader.on_one_device()
        with pytest.raises(StoreUnreachable, match="its metadata/ can't be opened: Permission denied"):
            LocalReader(str(public_store))


def test_a_store_that_goes_away_after_opening_is_unreachable_not_empty(store: Path) -> None:
    reader = LocalReader(str(store))
    moved = store.with_name("moved")
    (store / "metadata").rename(store / "metadatum")
    with pytest.raises(StoreUnreachable, match="it holds no metadata/ folder"):
        reader.list_folder("metadata")
    with pytest.raises(StoreUnreachable):
        take_snapshot(reader, HOST)
    store.rename(moved)
    for folder in ("", "metadata"):
        with pytest.raises(StoreUnreachable):
            reader.list_folder(folder)
    with pytest.raises(StoreUnreachable):
        reader.on_one_device()
    with pytest.raises(HandleUnreadable, match="No such file"):
        reader.open(MANIFEST)
    moved.rename(store)


def test_a_file_url_names_the_same_folder(store: Path) -> None:
    spaced = store / "with space"
    (spaced / "metadata").mkdir(parents=True)
    for location in (f"file://{store}/with%20space", f"file://localhost{store}/with%20space"):
        assert reader_for(location).list_folder("metadata") == []


@pytest.mark.parametrize("location", ["s3://", "ftp://b/path", "gs://b", "file://host/path", "://x", "[/x]://y"])
def test_other_stores_are_a_usage_error(location: str) -> None:
    with pytest.raises(UsageError) as caught:
        reader_for(location)
    assert caught.value.exit_code == 2


# Listing.


def test_a_listing_is_sorted_by_bytes_and_says_what_each_name_is(store: Path) -> None:
    metadata = store / "metadata"
    (metadata / "Z.meta").write_bytes(b"12345")
    (metadata / "é.meta").write_bytes(b"")
    (metadata / "folder").mkdir()
    (metadata / "link.meta").symlink_to("a.meta")
    (metadata / "dead.meta").symlink_to("nowhere")
    os.mkfifo(metadata / "fifo")
    os.utime(metadata / "Z.meta", (1_000, 2_000))
    Path(os.fsdecode(os.fsencode(metadata) + b"/bad\xff.meta")).write_bytes(LINE)
    listing = LocalReader(str(store)).list_folder("metadata")
    assert [(each.handle.removeprefix("metadata/"), each.kind) for each in listing] == [
        ("Z.meta", ListedKind.FILE),
        ("a.meta", ListedKind.FILE),
        ("bad\udcff.meta", ListedKind.FILE),
        ("dead.meta", ListedKind.LINK),
        ("fifo", ListedKind.OTHER),
        ("folder", ListedKind.FOLDER),
        ("link.meta", ListedKind.LINK),
        ("é.meta", ListedKind.FILE),
    ]
    assert (listing[0].size, listing[0].modified, listing[0].name) == (5, 2_000.0, "Z.meta")


def test_an_empty_metadata_folder_is_an_empty_listing(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    snapshot = take_snapshot(LocalReader(str(tmp_path)), HOST)
    assert (snapshot.index.files, snapshot.index.listed_count, snapshot.complete) == ((), 0, True)
    assert list((tmp_path / "metadata").iterdir()) == []


def test_a_backup_folder_that_is_not_there_lists_as_empty(store: Path) -> None:
    assert LocalReader(str(store)).list_folder("transaction_9-.ffff") == []


@pytest.mark.parametrize(
    "folder", ["..", "../..", "/etc", "metadata/..", "a//b", "metadata/a.meta", "link", "link/ssl"]
)
def test_nothing_outside_the_store_is_listed(store: Path, folder: str) -> None:
    (store / "link").symlink_to("/etc")
    with pytest.raises(StoreUnreachable):
        LocalReader(str(store)).list_folder(folder)


def test_metadata_that_is_mounted_through_a_link_is_read_as_stock_reads_it(store: Path) -> None:
    (store / "metadata").rename(store / "elsewhere")
    (store / "metadata").symlink_to("elsewhere")
    snapshot = take_snapshot(LocalReader(str(store)), HOST)
    assert len(snapshot.index.transactions) == 1


def test_a_folder_of_more_names_than_can_be_kept_is_not_half_listed(store: Path) -> None:
    for number in range(10):
        (store / "metadata" / str(number)).touch()
    assert len(LocalReader(str(store), max_names=11).list_folder("metadata")) == 11
    with pytest.raises(StoreUnreachable, match="metadata holds more than 10 names"):
        LocalReader(str(store), max_names=10).list_folder("metadata")


def test_names_that_come_and_go_while_listing_never_hide_the_others(store: Path) -> None:
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            for number in range(50):
                (store / "metadata" / f"x{number}").touch()
            for number in range(50):
                (store / "metadata" / f"x{number}").unlink()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        reader = LocalReader(str(store))
        for _ in range(300):
            assert "metadata/a.meta" in {each.handle for each in reader.list_folder("metadata")}
            snapshot = take_snapshot(reader, HOST)
            assert len(snapshot.index.transactions) == 1
            assert {file.fault and file.fault.fault for file in snapshot.index.files} <= {None, ReadFault.MISSING}
    finally:
        done.set()
        thread.join()


# Two folders, one device.


def test_one_device_is_told_with_and_without_a_backup_folder(store: Path) -> None:
    reader = LocalReader(str(store))
    assert reader.on_one_device()
    (store / "metadata_backup").mkdir()
    assert reader.on_one_device()


def test_a_backup_folder_on_another_device_is_noticed(store: Path) -> None:
    if not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == store.stat().st_dev:
        pytest.skip("there is no other device here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        (store / "metadata_backup").symlink_to(other)
        assert not LocalReader(str(store)).on_one_device()


def test_a_backup_folder_that_is_a_file_is_named_and_hides_nothing(store: Path) -> None:
    (store / "metadata_backup").write_bytes(b"")
    snapshot = take_snapshot(LocalReader(str(store)), HOST)
    assert len(snapshot.index.transactions) == 1
    assert [file.handle for file in snapshot.retired.files] == ["metadata_backup"]
    assert "metadata_backup can't be listed" in str(snapshot.retired.files[0].fault)

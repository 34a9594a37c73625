"""Writing to a store in a folder: whole or not at all, never over anything, never through a link."""

from __future__ import annotations

import errno
import os
import stat as stat_bits
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import AlreadyThere, OutcomeUnknown, WriteFailed
from core.storage import LocalReader
from core.storage.local.writer import LocalWriter
from tests.support.storage_folders import KERNELS, folder_elsewhere, like_nfs, names_in, new_store, without_links
from tests.support.writer_conformance import ACTS, LINE, RETIRED, STAGED, A, B, Storage, WriterConformance


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return new_store(tmp_path / "store")


@pytest.fixture
def writer(store: Path) -> LocalWriter:
    return LocalWriter(str(store))


@pytest.fixture
def elsewhere(store: Path) -> Iterator[Path]:
    """A folder on another file system, which is the store's metadata_backup/."""
    with folder_elsewhere(store) as folder:
        (store / "metadata_backup").symlink_to(folder)
        yield folder


class TestFolder(WriterConformance):
    """A folder, on this kernel and on such as can do less."""

    @pytest.fixture(params=KERNELS)
    def storage(self, store: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Storage:
        KERNELS[request.param](monkeypatch)
        return Storage(LocalReader(str(store)), LocalWriter(str(store)))


class TestTwoFileSystems(WriterConformance):
    """A folder whose metadata_backup/ is on another file system."""

    @pytest.fixture(params=KERNELS)
    def storage(
        self, store: Path, elsewhere: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Storage:
        KERNELS[request.param](monkeypatch)
        return Storage(LocalReader(str(store)), LocalWriter(str(store)))


# Making.


def test_a_writer_alone_makes_nothing(tmp_path: Path) -> None:
    LocalWriter(str(tmp_path / "typo"))
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("act", ACTS)
def test_neither_a_store_nor_its_metadata_is_ever_made(tmp_path: Path, act: str) -> None:
    for writer in (LocalWriter(str(tmp_path / "typo")), LocalWriter("")):
        if act == "discard":
            continue
        with pytest.raises((WriteFailed, OutcomeUnknown)):
            ACTS[act](writer, A)
        with pytest.raises(OutcomeUnknown):
            writer.flush("metadata")
    (tmp_path / "unmounted").mkdir()
    with pytest.raises(WriteFailed, match="no such file or folder"):
        LocalWriter(str(tmp_path / "unmounted")).create(A, LINE)
    assert names_in(tmp_path) == ["unmounted"]
    assert names_in(tmp_path / "unmounted") == []


def test_bytes_are_on_disk_before_the_name_can_be_seen(
    store: Path, writer: LocalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, link = os.fsync, os.link

    def recorded_fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        assert names_in(store / "metadata") == []
        events.append(f"flush {status.st_size} bytes" if stat_bits.S_ISREG(status.st_mode) else "flush folder")
        fsync(descriptor)

    def recorded_link(source: str, name: str, **options: int) -> None:
        link(source, name, **options)  # type: ignore[arg-type]
        events.append(f"name {name}")

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "link", recorded_link)
    writer.create(A, LINE)
    assert events == [f"flush {len(LINE)} bytes", "name transaction_0-99.meta"]


def test_new_folders_are_flushed_into_those_above_them(
    store: Path, writer: LocalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    writer.create("seamline/undo/1", LINE)
    folders = [store, store / "seamline"]
    assert flushed[:-1] == [folder.stat().st_ino for folder in folders]
    flushed.clear()
    writer.flush("seamline/undo")
    assert flushed == [folder.stat().st_ino for folder in (*folders, store / "seamline" / "undo")]


def test_new_files_may_be_read_by_those_who_could_read_the_others(store: Path, writer: LocalWriter) -> None:
    before = os.umask(0o027)
    try:
        writer.create(A, LINE)
        writer.create(STAGED, LINE)
        writer.link(STAGED, B)
        writer.append("seamline/journal/1.jsonl", LINE)
    finally:
        os.umask(before)
    handles = (A, STAGED, B, "seamline/journal/1.jsonl")
    assert {stat_bits.S_IMODE((store / handle).stat().st_mode) for handle in handles} == {0o640}


@pytest.mark.parametrize("kernel", KERNELS)
def test_nothing_is_left_beside_what_was_made(store: Path, kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    KERNELS[kernel](monkeypatch)
    writer = LocalWriter(str(store))
    writer.create(STAGED, LINE)
    writer.link(STAGED, A)
    writer.move(A, RETIRED)
    for taken in (RETIRED, STAGED):
        with pytest.raises(AlreadyThere):
            writer.create(taken, LINE)
    assert names_in(store / "metadata") == []
    assert names_in(store / "metadata_backup") == ["transaction_0-99.meta"]
    assert names_in(store / "seamline" / "tmp") == []


def test_drafts_that_a_killed_process_left_are_not_in_the_way(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    like_nfs(monkeypatch)
    (store / "seamline" / "tmp").mkdir(parents=True)
    for number in range(20):
        (store / "seamline" / "tmp" / str(number)).write_bytes(b"half")
    LocalWriter(str(store)).create(A, LINE)
    assert (store / A).read_bytes() == LINE
    assert len(names_in(store / "seamline" / "tmp")) == 20


# What stands in the way.


def put_file(path: Path) -> None:
    path.write_bytes(b"there")


def put_link_to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def put_link_outside(path: Path) -> None:
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("put", [put_file, put_link_to_nowhere, put_link_outside, Path.mkdir, os.mkfifo])
def test_whatever_has_a_name_keeps_it(store: Path, put, kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    KERNELS[kernel](monkeypatch)
    writer = LocalWriter(str(store))
    writer.create(STAGED, LINE)
    writer.create(B, LINE)
    put(store / A)
    before = (store / A).lstat()
    for act in (lambda: writer.create(A, LINE), lambda: writer.link(STAGED, A), lambda: writer.move(B, A)):
        with pytest.raises(AlreadyThere, match="the name is taken"):
            act()
    assert (store / A).lstat() == before
    assert (store / B).read_bytes() == (store / STAGED).read_bytes() == LINE
    assert names_in(store) == ["metadata", "seamline"]


@pytest.mark.parametrize("put", [put_link_to_nowhere, put_link_outside, Path.mkdir, os.mkfifo])
def test_only_plain_files_are_moved_linked_and_added_to(store: Path, writer: LocalWriter, put) -> None:  # type: ignore[no-untyped-def]
    writer.create(STAGED, LINE)
    for handle in (A, "seamline/odd"):
        put(store / handle)
    acts = (
        lambda: writer.move(A, RETIRED),
        lambda: writer.link("seamline/odd", B),
        lambda: writer.append("seamline/odd", LINE),
    )
    for act in acts:
        with pytest.raises(WriteFailed):
            act()
    assert names_in(store / "metadata") == ["transaction_0-99.meta"]
    assert names_in(store / "metadata_backup") == []


def test_no_link_on_the_way_is_followed(store: Path, writer: LocalWriter, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (store / "seamline").symlink_to(outside)
    for act in (
        lambda: writer.create(STAGED, LINE),
        lambda: writer.append("seamline/journal/1.jsonl", LINE),
        lambda: writer.link(STAGED, A),
    ):
        with pytest.raises(WriteFailed, match="a link or no folder"):
            act()
    with pytest.raises(WriteFailed, match="a link or no folder"):
        writer.discard(STAGED)
    assert names_in(outside) == []
    assert names_in(store / "metadata") == []


def test_a_retired_name_is_the_same_name_when_the_folders_are_one(store: Path, writer: LocalWriter) -> None:
    (store / "metadata_backup").symlink_to("metadata")
    (store / A).write_bytes(LINE)
    os.link(store / A, store / "third")
    for source, target in ((A, RETIRED), (RETIRED, A)):
        with pytest.raises(AlreadyThere):
            writer.move(source, target)
    assert (store / A).read_bytes() == LINE


def test_a_mode_and_a_time_go_with_a_moved_file(store: Path, writer: LocalWriter, elsewhere: Path) -> None:
    writer.create(A, LINE)
    (store / A).chmod(0o604)
    os.utime(store / A, ns=(1_600_000_000_000_000_001, 1_500_000_000_000_000_002))
    writer.move(A, RETIRED)
    for handle in (RETIRED, A):
        status = (store / handle).stat()
        assert (stat_bits.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o604, 1_500_000_000_000_000_002)
        if handle == RETIRED:
            writer.move(RETIRED, A)


# Moves that were cut off.


def test_a_move_cut_off_between_link_and_unlink_is_finished(store: Path, writer: LocalWriter) -> None:
    writer.create(A, LINE)
    (store / "metadata_backup").mkdir()
    os.link(store / A, store / RETIRED)
    writer.move(A, RETIRED)
    assert names_in(store / "metadata") == []
    assert (store / RETIRED).read_bytes() == LINE


def test_equal_content_on_one_file_system_is_another_file(store: Path, writer: LocalWriter) -> None:
    writer.create(A, LINE)
    writer.create(RETIRED, LINE)
    with pytest.raises(AlreadyThere):
        writer.move(A, RETIRED)
    assert (store / A).exists()


def test_a_move_to_another_file_system_that_was_cut_off_is_finished(
    store: Path, writer: LocalWriter, elsewhere: Path
) -> None:
    writer.create(A, LINE)
    (elsewhere / "transaction_0-99.meta").write_bytes(LINE)
    writer.move(A, RETIRED)
    assert names_in(store / "metadata") == []
    assert names_in(elsewhere) == ["transaction_0-99.meta"]


@pytest.mark.parametrize("kernel", ["as it is", "like NFS"])
def test_a_source_elsewhere_goes_last_and_its_copy_is_named_when_it_is_on_disk(
    store: Path, elsewhere: Path, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    KERNELS[kernel](monkeypatch)
    LocalWriter(str(store)).create(A, LINE)
    events: list[tuple[str, bool]] = []
    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        what = "file" if stat_bits.S_ISREG(os.fstat(descriptor).st_mode) else "folder"
        events.append((what, (elsewhere / "transaction_0-99.meta").exists()))
        assert (store / A).exists()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    LocalWriter(str(store)).move(A, RETIRED)
    assert ("file", False) in events
    assert events[-1] == ("folder", True)
    assert names_in(store / "metadata") == []


@pytest.mark.parametrize("other", [b"", LINE[:-1], LINE + b"\n", b"x" * len(LINE)])
def test_another_file_of_that_name_elsewhere_is_kept(
    store: Path, writer: LocalWriter, elsewhere: Path, other: bytes
) -> None:
    writer.create(A, LINE)
    (elsewhere / "transaction_0-99.meta").write_bytes(other)
    with pytest.raises(AlreadyThere):
        writer.move(A, RETIRED)
    assert (store / A).read_bytes() == LINE
    assert (elsewhere / "transaction_0-99.meta").read_bytes() == other
    assert names_in(elsewhere) == ["transaction_0-99.meta"]


# Errors on the way.


@pytest.mark.parametrize("kernel", ["as it is", "like NFS"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_what_could_not_be_flushed_is_never_named(
    store: Path, number: int, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    KERNELS[kernel](monkeypatch)
    writer = LocalWriter(str(store))
    writer.create("seamline/tmp/other", LINE)

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WriteFailed) as caught:
        writer.create(A, LINE)
    assert os.strerror(number) in caught.value.message
    assert names_in(store / "metadata") == []
    assert names_in(store / "seamline" / "tmp") == ["other"]


def test_a_folder_that_could_not_be_flushed_leaves_the_outcome_open(
    store: Path, writer: LocalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutcomeUnknown, match="metadata was not flushed, or not for certain"):
        writer.flush("metadata")


def test_a_source_stays_until_its_new_name_is_on_disk(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    like_nfs(monkeypatch)
    writer = LocalWriter(str(store))
    writer.create(A, LINE)
    writer.create("metadata_backup/other", LINE)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", fail)
        with pytest.raises(OutcomeUnknown):
            writer.move(A, RETIRED)
    assert (store / A).samefile(store / RETIRED)
    writer.move(A, RETIRED)
    assert names_in(store / "metadata") == []


def test_a_lost_answer_to_a_rename_leaves_the_outcome_open(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    like_nfs(monkeypatch)
    writer = LocalWriter(str(store))
    link = os.link

    def answer_lost(*arguments: str, **options: int) -> None:
        link(*arguments, **options)  # type: ignore[arg-type]
        raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))

    monkeypatch.setattr(os, "link", answer_lost)
    with pytest.raises(OutcomeUnknown):
        writer.create(A, LINE)
    assert (store / A).read_bytes() == LINE
    assert names_in(store / "seamline" / "tmp") == []


def test_a_file_system_that_can_do_nothing_is_told_as_such(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_links(monkeypatch)
    KERNELS["no exclusive rename"](monkeypatch)
    writer = LocalWriter(str(store))
    (store / B).write_bytes(LINE)
    for act in (lambda: writer.create(A, LINE), lambda: writer.move(B, RETIRED)):
        with pytest.raises(WriteFailed, match="can neither link a file nor rename it without replacing another"):
            act()
    assert names_in(store / "metadata") == ["transaction_100-199.meta"]
    assert names_in(store / "metadata_backup") == []
    assert names_in(store / "seamline" / "tmp") == []


def test_a_name_longer_than_the_file_system_takes_is_refused(store: Path, writer: LocalWriter) -> None:
    for handle in ("metadata/" + "x" * 256, "seamline/" + "é" * 128):
        with pytest.raises(WriteFailed, match="too long"):
            writer.create(handle, LINE)
    writer.create("metadata/" + "x" * 255, LINE)
    assert names_in(store / "metadata") == ["x" * 255]


def test_threads_that_want_one_name_get_it_once(store: Path, writer: LocalWriter) -> None:
    won: list[bytes] = []

    def contend(number: int) -> None:
        for file in range(20):
            content = b"%d of %d" % (file, number)
            try:
                writer.create(f"metadata/{file}.meta", content)
            except AlreadyThere:
                continue
            won.append(content)

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted((store / "metadata" / f"{file}.meta").read_bytes() for file in range(20))

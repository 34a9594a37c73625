"""What a store in a folder gives of its files: never more than may be read, never from outside, never by waiting."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from core.gather import MAX_FILE_BYTES
from core.host import FixedHost
from core.snapshot import take_snapshot
from core.storage import HandleUnreadable, Listed, ListedKind, LocalReader, ReadFault
from tests.support.gzipped import gzipped
from tests.support.small_store import LINE, MANIFEST, write_store

HOST = FixedHost(1_700_000_000.0)
ROOT = Path(__file__).parents[2]
BAD_HANDLES = [
    "",
    ".",
    "..",
    "/etc/passwd",
    "../x",
    "a//b",
    "a\\b",
    "metadata/..",
    "metadata/../metadata/a.meta",
    "./metadata/a.meta",
    "metadata/a.meta/",
    "/",
    "x" * 2_000,
    "a\0b",
    "metadata/a.meta\0",
    "a\nb",
    "\x1b]52;c;x",
    "s3://bucket/x",
    "file:///etc/passwd",
    "a\ud800b",
    "a\udcffb",
]


def output_of(script: str) -> list[str]:
    """The lines that a fresh Python prints, within a minute."""
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return run.stdout.splitlines()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_store(tmp_path)
    return tmp_path


def contents_of(store: Path, limit: int = 1 << 20) -> dict[str, bytes | str]:
    """What reading gives for each name in metadata/, a fault as its message."""
    reader = LocalReader(str(store))
    names = [each.name for each in reader.list_folder("metadata")]
    contents = reader.read_many("metadata", names, limit)
    return {
        name: content if isinstance(content, bytes) else content.message
        for name, content in zip(names, contents, strict=True)
    }


# Reading what a listing named.


def test_names_that_are_hostile_to_terminals_are_read_like_any_other(store: Path) -> None:
    names = [
        "[red]a.meta",
        "x[@click=app.quit]y.meta",
        "new\nline.meta",
        "\x1b]52;c;aGk=\x07.meta",
        "$(touch pwned).meta",
        "-rf",
        " ",
        "\u202e.meta",
    ]
    for name in names:
        (store / "metadata" / name).write_bytes(name.encode())
    assert contents_of(store) == {"a.meta": LINE} | {name: name.encode() for name in names}


def test_what_is_no_plain_file_is_named_and_never_opened(store: Path) -> None:
    metadata = store / "metadata"
    (metadata / "folder").mkdir()
    (metadata / "link").symlink_to("/etc/passwd")
    (metadata / "dead").symlink_to("nowhere")
    os.mkfifo(metadata / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(metadata / "sock"))
        snapshot = take_snapshot(LocalReader(str(store)), HOST)
    faults = {file.listed.name: file.fault and (file.fault.fault, file.fault.message) for file in snapshot.index.files}
    assert faults == {
        "a.meta": None,
        "dead": (ReadFault.REFUSED, "not opened: it is a link, and links are not followed"),
        "fifo": (ReadFault.REFUSED, "not opened: it is a fifo, a socket or a device"),
        "folder": (ReadFault.REFUSED, "not opened: it is a folder"),
        "link": (ReadFault.REFUSED, "not opened: it is a link, and links are not followed"),
        "sock": (ReadFault.REFUSED, "not opened: it is a fifo, a socket or a device"),
    }


def test_a_name_that_changed_since_it_was_listed_is_not_followed_and_not_waited_for(store: Path) -> None:
    script = f"""
import os
from core.storage import LocalReader
os.chdir({str(store / "metadata")!r})
open("gone", "w"), os.mkdir("folder"), os.mkfifo("fifo"), os.symlink("/etc/passwd", "link")
contents = LocalReader({str(store)!r}).read_many("metadata", ["gone", "folder", "fifo", "link", "a.meta"], 1000)
os.unlink("gone")
print(*(f"{{content.fault.value}}: {{content.message}}" if not isinstance(content, bytes) else len(content)
        for content in contents), sep="\\n")
"""
    assert output_of(script) == [
        "missing: No such file or directory (os error 2)",
        "refused: not opened: it is not a plain file",
        "refused: not opened: it is not a plain file",
        "refused: not opened: it is a link, and links are not followed",
        str(len(LINE)),
    ]


def test_files_that_move_between_listing_and_reading_are_listed_again(store: Path) -> None:
    class Moving(LocalReader):
        """Somebody puts the content of one file into another right after each of the first listings."""

        names: tuple[str, ...] = ("b.meta", "c.meta", "d.meta")

        def list_folder(self, folder: str) -> list[Listed]:
            listing = super().list_folder(folder)
            if folder == "metadata" and len(self.names) > 1:
                old, self.names = self.names[0], self.names[1:]
                (store / "metadata" / old).rename(store / "metadata" / self.names[0])
            return listing

    (store / "metadata" / "b.meta").write_bytes(LINE)
    index = take_snapshot(Moving(str(store)), HOST).index
    assert [(file.listed.name, file.fault) for file in index.files] == [("a.meta", None), ("d.meta", None)]
    assert (index.complete, len(index.transactions.claims(0))) == (True, 2)


def test_a_listed_file_that_can_never_be_opened_is_missing(store: Path) -> None:
    class Stale(LocalReader):
        """A listing that goes on telling of a file that is gone."""

        def list_folder(self, folder: str) -> list[Listed]:
            listing = super().list_folder(folder)
            gone = Listed("metadata/b.meta", ListedKind.FILE, len(LINE), 0.0)
            return [*listing, gone] if folder == "metadata" else listing

    index = take_snapshot(Stale(str(store)), HOST).index
    faults = [file.fault and (file.fault.fault, file.fault.message) for file in index.files]
    assert faults == [None, (ReadFault.MISSING, "No such file or directory (os error 2)")]
    assert (index.complete, len(index.transactions.claims(0))) == (True, 1)


def test_a_file_that_grows_while_it_is_read_is_read_to_some_end_within_the_limit(store: Path) -> None:
    path, limit = store / "metadata" / "a.meta", 1 << 20
    reader = LocalReader(str(store))

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while file.tell() < 8 << 20:
                file.write(LINE * 100)

    def read() -> bytes | HandleUnreadable:
        return next(reader.read_many("metadata", ["a.meta"], limit))

    thread = threading.Thread(target=grow)
    thread.start()
    seen = []
    while thread.is_alive():
        seen.append(read())
    thread.join()
    seen.append(read())
    texts = [content for content in seen if isinstance(content, bytes)]
    whole = path.read_bytes()
    assert all(len(text) <= limit and whole.startswith(text) for text in texts)
    assert sorted(map(len, texts)) == list(map(len, texts))
    assert isinstance(seen[-1], HandleUnreadable)
    assert seen[-1].fault is ReadFault.TOO_LARGE


def test_a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_not(store: Path) -> None:
    (store / "metadata" / "b.meta").write_bytes(b"x" * (len(LINE) + 1))
    assert contents_of(store, len(LINE)) == {
        "a.meta": LINE,
        "b.meta": f"larger than the {len(LINE):,} bytes that are read of such a file",
    }


def test_five_sparse_gigabytes_are_refused_without_being_held(store: Path) -> None:
    for name in ("metadata/huge.meta", "huge"):
        with (store / name).open("wb") as file:
            file.truncate(5 << 30)
    script = f"""
import asyncio
from pathlib import Path
from core.host import FixedHost
from core.snapshot import take_snapshot
from core.storage import LocalReader, HandleUnreadable
reader = LocalReader({str(store)!r})
def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
before = peak()
snapshot = take_snapshot(reader, FixedHost(0.0))
try:
    asyncio.run(reader.read("huge", 1 << 28))
except HandleUnreadable as unreadable:
    print(unreadable.message)
print(snapshot.index.files[1].fault, len(snapshot.index.transactions))
print(peak() - before)
"""
    first, second, grown = output_of(script)
    assert first == "larger than the 268,435,456 bytes that are read of such a file"
    assert second == f"larger than the {MAX_FILE_BYTES:,} bytes that are read of such a file 1"
    assert int(grown) < 20_000


def test_gzip_metadata_is_read_and_what_it_inflates_to_is_bounded(store: Path) -> None:
    metadata = store / "metadata"
    (metadata / "a.meta").write_bytes(gzipped(LINE))
    (metadata / "bomb.meta").write_bytes(gzipped(bytes(MAX_FILE_BYTES * 3), level=1))
    (metadata / "cut.meta").write_bytes(gzipped(LINE)[:-3])
    index = take_snapshot(LocalReader(str(store)), HOST).index
    assert [file.fault and file.fault.fault for file in index.files] == [None, ReadFault.TOO_LARGE, ReadFault.BAD_GZIP]
    assert [file.gzip for file in index.files] == [True] * 3
    assert [entry.manifest for entry in index.transactions.entries()] == [MANIFEST]


# Single handles.


@pytest.mark.parametrize("handle", BAD_HANDLES)
async def test_a_handle_that_could_lead_outside_is_refused_before_anything_is_opened(store: Path, handle: str) -> None:
    reader = LocalReader(str(store))
    for attempt in (reader.stat, reader.open):
        with pytest.raises(HandleUnreadable, match="not opened: ") as caught:
            attempt(handle)
        assert caught.value.fault is ReadFault.REFUSED
    with pytest.raises(HandleUnreadable, match="not opened: "):
        await reader.read(handle, 1_000)


@pytest.mark.parametrize(
    "handle", ["out/passwd", "out/ssl/x", "in/a.meta", "metadata/link", "metadata/loop", "deep/er/x"]
)
async def test_links_on_the_way_and_at_the_end_are_refused(store: Path, handle: str) -> None:
    (store / "out").symlink_to("/etc")
    (store / "in").symlink_to("metadata")
    (store / "metadata" / "link").symlink_to("/etc/passwd")
    (store / "metadata" / "loop").symlink_to("loop")
    (store / "deep").mkdir()
    (store / "deep" / "er").symlink_to("../..")
    reader = LocalReader(str(store))
    with pytest.raises(HandleUnreadable) as caught:
        reader.open(handle)
    assert caught.value.fault is ReadFault.REFUSED
    with pytest.raises(HandleUnreadable):
        await reader.read(handle, 1_000)


async def test_a_good_handle_is_opened_read_and_told(store: Path) -> None:
    reader = LocalReader(str(store))
    with reader.open(MANIFEST) as stream:
        assert (stream.read(3), stream.seek(0), stream.read()) == (b"man", 0, b"manifest")
    assert await reader.read(MANIFEST, 8) == b"manifest"
    told = reader.stat(MANIFEST)
    assert (told.handle, told.kind, told.size) == (MANIFEST, ListedKind.FILE, 8)
    with pytest.raises(HandleUnreadable) as caught:
        await reader.read(MANIFEST, 7)
    assert caught.value.fault is ReadFault.TOO_LARGE


async def test_a_handle_that_leads_nowhere_is_missing_in_stocks_words(store: Path) -> None:
    reader = LocalReader(str(store))
    for handle in ("transaction_0-.a1b2/none", "none/transaction.manifest"):
        for attempt in (reader.stat, reader.open):
            with pytest.raises(HandleUnreadable, match=r"^No such file or directory \(os error 2\)$") as caught:
                attempt(handle)
            assert caught.value.fault is ReadFault.MISSING
        with pytest.raises(HandleUnreadable, match="No such file"):
            await reader.read(handle, 1_000)


async def test_folders_fifos_and_devices_are_told_apart_and_never_opened(store: Path) -> None:
    os.mkfifo(store / "fifo")
    (store / "link").symlink_to(MANIFEST)
    reader = LocalReader(str(store))
    kinds = {name: reader.stat(name).kind for name in ("fifo", "link", "metadata", MANIFEST)}
    assert list(kinds.values()) == [ListedKind.OTHER, ListedKind.LINK, ListedKind.FOLDER, ListedKind.FILE]
    for name in ("fifo", "link", "metadata"):
        with pytest.raises(HandleUnreadable, match="not opened: it is not a plain file"):
            reader.open(name)
        with pytest.raises(HandleUnreadable, match="not opened: it is not a plain file"):
            await reader.read(name, 1_000)
    with pytest.raises(HandleUnreadable):
        reader.open(f"{MANIFEST}/x")


def test_no_descriptor_is_left_open_whatever_happens(store: Path) -> None:
    (store / "metadata" / "b.meta").mkdir()
    os.mkfifo(store / "fifo")
    reader = LocalReader(str(store))

    def look() -> None:
        take_snapshot(reader, HOST)
        for handle in ("fifo", "none", "../x", "metadata/a.meta/x"):
            for attempt in (reader.stat, reader.open):
                with suppress(HandleUnreadable):
                    attempt(handle)
        reader.open(MANIFEST).close()
        next(reader.read_many("metadata", ["a.meta", "b.meta"], 1_000))

    look()
    before = sorted(Path("/proc/self/fd").iterdir())
    for _ in range(20):
        look()
    assert sorted(Path("/proc/self/fd").iterdir()) == before

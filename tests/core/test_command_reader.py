"""A store behind a command adapter, looked at through real commands that real bash runs."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import pytest

from core.demo import build_demo_store
from core.engine import Engine
from core.errors import StoreUnreachable, UsageError
from core.host import FixedHost
from core.manifests import collect_evidence
from core.snapshot import Snapshot, take_snapshot
from core.stock.loading import load_error
from core.storage import HandleUnreadable, ListedKind, LocalReader, ReadFault, reader_for
from core.storage.command.reader import WORKERS, CommandReader
from core.storage.command.side import AdapterReader
from tests.support.adapters import INFLATE, LIST, READ, has_ended, write_adapter
from tests.support.backups import NOW, BackupStore
from tests.support.gzipped import gzipped
from tests.support.machines import FakeMachine
from tests.support.small_store import LINE, MANIFEST, write_store

HOST = FixedHost(NOW)
#: Prints its own process, and that of a child which it leaves behind, to a file, then waits.
HANG = 'sleep 1000 & echo $! $$ > "$STORE_DIR/pids"; wait'


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / 'the store\'s "folder" é'
    folder.mkdir()
    write_store(folder)
    return folder


def reader_of(
    store: Path,
    idle: float = 60.0,
    *,
    listing: str = LIST,
    read: str = READ,
    variables: Mapping[str, str] | None = None,
) -> CommandReader:
    location = write_adapter(store.parent / "adapter.yaml", store, listing=listing, read=read, variables=variables)
    return CommandReader(location, idle)


def look(store: Path, *, listing: str = LIST, read: str = READ, variables: Mapping[str, str] | None = None) -> Snapshot:
    return take_snapshot(reader_of(store, listing=listing, read=read, variables=variables), HOST)


def pids_in(store: Path) -> list[int]:
    return [int(pid) for pid in (store / "pids").read_text().split()]


# What is seen.


def test_a_store_looks_the_same_through_commands_as_in_its_folder(tmp_path: Path) -> None:
    build_demo_store("everything", tmp_path / "store")
    seen, there = look(tmp_path / "store"), take_snapshot(LocalReader(str(tmp_path / "store")), HOST)
    assert [file.handle for file in seen.index.files] == [file.handle for file in there.index.files]
    for kind, lane in there.index.lanes.items():
        assert list(seen.index.lanes[kind].entries()) == list(lane.entries())
    assert seen.index.identities == there.index.identities
    assert seen.index.timestamps == there.index.timestamps
    assert len(seen.index.transactions) > 20


def test_manifests_chunks_and_proofs_are_checked_through_commands(tmp_path: Path) -> None:
    backups = BackupStore(tmp_path / "store")
    backups.put("transaction_1-.aaaa/51-.chunk", b"\0\0")
    reader = reader_of(backups.folder)
    found = collect_evidence(reader, take_snapshot(reader, HOST), 4)
    there = backups.evidence(4)
    assert [facts.handle for facts in found.faulty] == [backups.middle] == [facts.handle for facts in there.faulty]
    assert found.faulty[0].problems == there.faulty[0].problems
    assert found.bytes_read == there.bytes_read
    assert [facts.chunk_bytes for facts in found.manifests.values()] == [
        facts.chunk_bytes for facts in there.manifests.values()
    ]


@pytest.mark.parametrize("read", [READ, INFLATE])
def test_a_gzip_store_is_read_whether_or_not_its_commands_inflate(store: Path, read: str) -> None:
    (store / "metadata" / "a.meta").write_bytes(gzipped(LINE))
    snapshot = look(store, read=read)
    assert len(snapshot.index.transactions) == 1
    assert snapshot.index.files[0].gzip == (read == READ)


def test_what_commands_can_not_tell_is_not_told(store: Path) -> None:
    (store / "metadata_backup").mkdir()
    (store / "metadata_backup" / "b.meta").write_bytes(LINE)
    engine = Engine(reader_of(store), FakeMachine())
    snapshot = engine.look()
    assert [listed.handle for listed in snapshot.root] == ["metadata"]
    (unseen,) = snapshot.retired.files
    assert unseen.handle == "metadata_backup"
    assert unseen.fault is not None
    assert "a command adapter has a command for metadata/ only" in unseen.fault.message
    said = {finding.kind: finding for finding in engine.check(snapshot).findings}
    assert "metadata_backup could not be read" in said["download-ignored-then-fatal"].explanation
    assert "interrupted-operation" not in said
    assert engine.lease() is None


def test_a_folder_of_a_backup_can_not_be_listed(store: Path) -> None:
    with pytest.raises(StoreUnreachable, match=r"transaction_0-\.a1b2 can't be listed"):
        reader_of(store).list_folder("transaction_0-.a1b2")


def test_a_file_that_was_looked_up_is_not_fetched_again_to_be_opened(store: Path) -> None:
    reader = reader_of(store, read=f'echo "$FILE_HANDLE" >> "$STORE_DIR/log"; {READ}')
    listed = reader.stat(MANIFEST)
    assert (listed.kind, listed.size) == (ListedKind.FILE, 8)
    with reader.open(MANIFEST) as stream:
        assert stream.seekable()
        assert stream.read(3) == b"man"
        stream.seek(0, os.SEEK_END)
        assert stream.tell() == 8
    assert (store / "log").read_text().splitlines() == [MANIFEST]
    with reader.open(MANIFEST) as stream:
        assert stream.read() == b"manifest"
    assert (store / "log").read_text().splitlines() == [MANIFEST, MANIFEST]


async def test_a_file_is_read_for_the_event_loop(store: Path) -> None:
    reader = reader_of(store)
    assert await reader.read(MANIFEST, 8) == b"manifest"
    with pytest.raises(HandleUnreadable, match="larger than the 7 bytes") as caught:
        await reader.read(MANIFEST, 7)
    assert caught.value.fault is ReadFault.TOO_LARGE


# Which locations are meant.


def test_a_yaml_file_is_a_command_adapter_and_a_folder_of_such_a_name_is_a_folder(store: Path) -> None:
    location = write_adapter(store.parent / "Adapter.YML", store)
    assert isinstance(reader_for(location), AdapterReader)
    assert reader_for(location).location == location
    assert isinstance(reader_for(f"file://{location}"), AdapterReader)
    store.rename(store.parent / "store.yaml")
    assert isinstance(reader_for(str(store.parent / "store.yaml")), LocalReader)
    with pytest.raises(UsageError, match="there is no such file"):
        reader_for(str(store.parent / "none.yaml"))


# Listings that can't be trusted.


def test_a_failed_listing_is_an_error_with_the_commands_own_words(store: Path) -> None:
    variables = {"TOKEN": "hunter2-hunter2"}
    listing = 'echo metadata/a.meta; echo "no access with $TOKEN" >&2; false | cat'
    with pytest.raises(StoreUnreachable) as caught:
        look(store, listing=listing, variables=variables)
    assert caught.value.exit_code == 20
    assert "list_metadata_files ended with exit code 1: no access with ***" in caught.value.message
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_a_variable_that_is_not_set_fails_the_listing_as_it_does_in_stock(store: Path) -> None:
    with pytest.raises(StoreUnreachable, match="SUBDIR: unbound variable"):
        look(store, listing='ls "$STORE_DIR/$SUBDIR"')


def test_an_empty_listing_is_an_error_and_no_empty_store(store: Path) -> None:
    with pytest.raises(StoreUnreachable, match="list_metadata_files printed nothing") as caught:
        look(store, listing="ls /nowhere/at/all | sed -n p ||:")
    assert "||:" in caught.value.hint


def test_a_listing_without_end_is_cut_off(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.storage.command.reader.MAX_LISTING_BYTES", 1 << 20)
    with pytest.raises(StoreUnreachable, match="printed more than the 1,048,576 bytes"):
        look(store, listing="yes metadata/a.meta")


# Hostile names.


def test_names_are_given_to_commands_as_they_are_and_nothing_in_them_is_run(store: Path, tmp_path: Path) -> None:
    names = ["$(touch pwned).meta", "`touch pwned`.meta", "a b.meta", "a'b\".meta", "-n.meta", "é;touch pwned;.meta"]
    for name in names:
        (store / "metadata" / name).write_bytes(LINE)
    snapshot = look(store)
    assert {file.listed.name for file in snapshot.index.files} == {*names, "a.meta"}
    assert all(file.fault is None and file.lines == 1 for file in snapshot.index.files)
    assert not list(tmp_path.rglob("pwned"))
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("metadata/../../etc/passwd", 'it has a "." or ".." part'),
        ("/etc/passwd", "it is an absolute path"),
        ("gs://bucket/metadata/x.meta", "it is another storage's handle"),
        ("metadata/a\\tb.meta", "it has a control character"),
        ("metadata/old/x.meta", "it is listed as a metadata file, but is no file of metadata/"),
        ("x.meta", "it is listed as a metadata file, but is no file of metadata/"),
        ("metadata/\\xff.meta", "it is not valid Unicode"),
        ("", "it is empty"),
    ],
)
def test_a_listed_line_that_is_no_handle_of_metadata_is_shown_and_never_opened(
    store: Path, line: str, why: str
) -> None:
    read = f'echo "$FILE_HANDLE" >> "$STORE_DIR/log"; {READ}'
    snapshot = look(store, listing=f"printf 'metadata/a.meta\\n{line}\\n'", read=read)
    (odd,) = [file for file in snapshot.index.files if file.fault]
    assert odd.fault is not None
    assert odd.fault.fault is ReadFault.REFUSED
    assert odd.fault.message == f"not opened: {why}"
    assert (store / "log").read_text() == "metadata/a.meta\n"
    assert len(snapshot.index.transactions) == 1


def test_a_folder_in_the_listing_stops_stock_and_is_told_as_one(store: Path) -> None:
    snapshot = look(store, listing="printf '%s\\n' metadata/ metadata/a.meta metadata/a.meta")
    assert [(file.handle, file.listed.kind) for file in snapshot.index.files] == [
        ("metadata/", ListedKind.FOLDER),
        ("metadata/a.meta", ListedKind.FILE),
    ]
    assert load_error(snapshot) is not None


@pytest.mark.parametrize("handle", ["../x", "/etc/passwd", "a\nb", "", "a//b", "s3://b/c", "x" * 2_000])
def test_a_handle_that_breaks_the_rule_never_reaches_a_command(store: Path, handle: str) -> None:
    reader = reader_of(store, read='touch "$STORE_DIR/ran"')
    for use in (reader.stat, reader.open, lambda each: asyncio.run(reader.read(each, 10))):
        with pytest.raises(HandleUnreadable, match="not opened") as caught:
            use(handle)
        assert caught.value.fault is ReadFault.REFUSED
    assert not (store / "ran").exists()


# Reads that fail.


def test_bytes_of_a_read_that_failed_count_for_nothing(store: Path) -> None:
    reader = reader_of(store, read=f"{READ}; echo 'connection reset' >&2; exit 3")
    for use in (reader.stat, reader.open, lambda each: asyncio.run(reader.read(each, 100))):
        with pytest.raises(HandleUnreadable) as caught:
            use(MANIFEST)
        assert caught.value.fault is ReadFault.FAILED
        assert caught.value.message == "open_for_read ended with exit code 3: connection reset"
    snapshot = take_snapshot(reader, HOST)
    assert len(snapshot.index.transactions) == 0
    assert load_error(snapshot) is not None


def test_a_command_that_was_killed_is_a_read_that_failed(store: Path) -> None:
    with pytest.raises(HandleUnreadable, match="open_for_read was ended by signal 9"):
        reader_of(store, read="kill -9 $$").open(MANIFEST)


def test_messages_of_a_command_show_no_secret_no_escape_and_no_more_than_their_end(store: Path) -> None:
    noise = "for i in $(seq 20000); do echo progress $i >&2; done"
    reader = reader_of(
        store,
        read=f"{noise}; printf 'https://h/x?sig=abcdef\\n\\033]52;c;x\\007 %s\\n' \"$KEY\" >&2; exit 1",
        variables={"KEY": "top-secret"},
    )
    with pytest.raises(HandleUnreadable) as caught:
        reader.open(MANIFEST)
    said = caught.value.message
    assert said.startswith("open_for_read ended with exit code 1: progress 20000 / https://h/x?*** / ")
    assert "top-secret" not in said
    assert "\x1b" not in said
    assert len(said) < 200


def test_a_file_that_was_moved_after_the_listing_is_missing_and_the_store_is_looked_at_again(store: Path) -> None:
    """As when a compaction retires files between the listing and the reading."""
    (store / "list").write_text("metadata/a.meta\nmetadata/moved.meta\n")
    (store / "list.later").write_text("metadata/a.meta\n")
    read = f'{READ} || {{ mv -f "$STORE_DIR/list.later" "$STORE_DIR/list" 2>/dev/null; exit 1; }}'
    reader = reader_of(store, listing='cat "$STORE_DIR/list"', read=read)
    reader.list_folder("metadata")
    (missing,) = reader.read_many("metadata", ["moved.meta"], 100)
    assert isinstance(missing, HandleUnreadable)
    assert missing.fault is ReadFault.MISSING
    (store / "list.later").write_text("metadata/a.meta\n")
    (store / "list").write_text("metadata/a.meta\nmetadata/moved.meta\n")
    snapshot = take_snapshot(reader, HOST)
    assert [(file.handle, file.fault) for file in snapshot.index.files] == [("metadata/a.meta", None)]


def test_a_read_that_fails_for_a_file_that_is_listed_still_is_not_told_as_missing(store: Path) -> None:
    (failed,) = reader_of(store, read="exit 1").read_many("metadata", ["a.meta"], 100)
    assert isinstance(failed, HandleUnreadable)
    assert failed.fault is ReadFault.FAILED


def test_a_disk_that_is_full_is_told_as_such(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(tempfile.SpooledTemporaryFile[bytes]):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.storage.command.reader.tempfile.SpooledTemporaryFile", Full)
    with pytest.raises(HandleUnreadable, match=r"can't be kept in .*: No space left on device"):
        reader_of(store).open(MANIFEST)


# Commands that do not end.


def test_a_command_that_goes_silent_is_ended_with_all_that_it_started(store: Path) -> None:
    with pytest.raises(HandleUnreadable, match=r"open_for_read printed nothing for 1\.5 seconds and was ended"):
        reader_of(store, idle=1.5, read=f"echo some; {HANG}").open(MANIFEST)
    pids = pids_in(store)
    assert len(pids) == 2
    assert all(map(has_ended, pids))


def test_a_command_that_has_ended_but_left_its_output_to_a_child_is_given_up(store: Path) -> None:
    read = 'sleep 1000 & echo $! > "$STORE_DIR/pids"'
    with pytest.raises(HandleUnreadable, match=r"printed nothing for 1\.5 seconds"):
        reader_of(store, idle=1.5, read=read).open(MANIFEST)
    assert all(map(has_ended, pids_in(store)))


def test_a_command_that_closed_its_output_and_does_not_end_is_given_up(store: Path) -> None:
    with pytest.raises(HandleUnreadable, match=r"printed nothing for 1\.5 seconds"):
        reader_of(store, idle=1.5, read=f"exec 1>&-; {HANG}").open(MANIFEST)
    assert all(map(has_ended, pids_in(store)))


def test_output_without_end_is_cut_off_and_its_command_ended(store: Path) -> None:
    (result,) = reader_of(store, read='echo $$ > "$STORE_DIR/pids"; yes').read_many("metadata", ["a.meta"], 1 << 20)
    assert isinstance(result, HandleUnreadable)
    assert result.fault is ReadFault.TOO_LARGE
    assert all(map(has_ended, pids_in(store)))


def test_complaints_without_end_are_cut_off_and_their_command_ended(store: Path) -> None:
    with pytest.raises(HandleUnreadable, match="complained for more than 16,777,216 bytes and was ended"):
        reader_of(store, read="yes denied >&2").open(MANIFEST)


def test_a_slow_command_is_waited_for_as_long_as_it_says_something(store: Path) -> None:
    read = f"for i in $(seq 8); do sleep 0.3; echo working >&2; done; {READ}"
    with reader_of(store, idle=2.0, read=read).open(MANIFEST) as stream:
        assert stream.read() == b"manifest"


def test_who_stops_reading_leaves_no_command_behind(store: Path) -> None:
    (store / "metadata" / "b.meta").write_bytes(LINE)
    begun = 'until [ -s "$STORE_DIR/pids" ]; do :; done'
    read = f'if [ "$FILE_HANDLE" = metadata/a.meta ]; then {begun}; {READ}; else {HANG}; fi'
    contents = reader_of(store, read=read).read_many("metadata", ["a.meta", "b.meta"], 1_000)
    assert next(contents) == LINE
    assert isinstance(contents, Generator)
    contents.close()
    assert all(map(has_ended, pids_in(store)))


async def test_a_read_that_nobody_waits_for_any_more_is_ended(store: Path) -> None:
    os.mkfifo(store / "begun")
    read = f'sleep 1000 & echo $! $$ > "$STORE_DIR/pids"; echo > "$STORE_DIR/begun"; wait; {READ}'
    reading = asyncio.create_task(reader_of(store, read=read).read(MANIFEST, 100))
    await asyncio.to_thread((store / "begun").read_bytes)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert all(await asyncio.gather(*(asyncio.to_thread(has_ended, pid) for pid in pids_in(store))))


def test_so_many_commands_run_at_once_and_no_more(store: Path) -> None:
    for number in range(40):
        (store / "metadata" / f"{number:02}.meta").write_bytes(LINE)
    read = f'echo + >> "$STORE_DIR/log"; sleep 0.02; {READ}; echo - >> "$STORE_DIR/log"'
    snapshot = look(store, read=read)
    assert len(snapshot.index.files) == 41
    running = most = 0
    for sign in (store / "log").read_text().split():
        running += 1 if sign == "+" else -1
        most = max(most, running)
    assert 1 < most <= WORKERS


def test_contents_come_in_the_order_of_the_names_however_long_each_takes(store: Path) -> None:
    names = [f"{number:02}.meta" for number in range(30)]
    read = 'n=${FILE_HANDLE:9:2}; sleep "0.0$((10#$n % 5))"; echo "$n"'
    contents = list(reader_of(store, read=read).read_many("metadata", names, 100))
    assert contents == [f"{number:02}\n".encode() for number in range(30)]


# What commands are given.


def test_commands_have_the_variables_the_handle_and_the_surroundings(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "outside")
    monkeypatch.setenv("SAID_TWICE", "outside")
    variables = {"SAID_TWICE": "inside", "FILE_HANDLE": "not this", "QUOTES": "a 'b' \"c\" $d `e`\nf"}
    read = 'printf "%s|" "$FROM_OUTSIDE" "$SAID_TWICE" "$FILE_HANDLE" "$QUOTES"; cat'
    with reader_of(store, read=read, variables=variables).open(MANIFEST) as stream:
        assert stream.read().decode() == f"outside|inside|{MANIFEST}|a 'b' \"c\" $d `e`\nf|"


def test_without_bash_the_store_can_not_be_reached(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(store))
    with pytest.raises(StoreUnreachable, match="bash can't be run: No such file or directory"):
        look(store)


@pytest.mark.parametrize("use", [lambda reader: reader.list_folder("metadata"), lambda reader: reader.open(MANIFEST)])
def test_a_variable_that_is_too_large_for_the_system_is_no_traceback(
    store: Path, use: Callable[[CommandReader], object]
) -> None:
    with pytest.raises((StoreUnreachable, HandleUnreadable), match="bash can't be run: Argument list too long"):
        use(reader_of(store, variables={"HUGE": "x" * 200_000}))

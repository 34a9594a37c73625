"""What is kept of a bucket's metadata saves reading it again, and never says anything that the bucket does not."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

import pytest

from core.host import FixedHost
from core.snapshot import take_snapshot
from core.storage import LocalReader, reader_for
from core.storage.cache.contents import KeptContents, tidy
from core.storage.cache.reader import CachedReader, cache_folder, cached
from core.storage.protocol import HandleUnreadable, Listed, ListedKind
from tests.support.servers.running import running, send, variables
from tests.support.small_store import write_store
from tests.support.stores import NOW, MemoryReader

LIMIT = 1 << 20
ROOT = Path(__file__).parents[2]


class Versioned(MemoryReader):
    """A bucket in memory: every write of a file gives it another tag, and nothing else that shows."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__({})
        self.files: dict[str, bytes] = {}
        self._files = self.files
        self.tags: dict[str, str] = {}
        self.read_names: list[str] = []
        self.before_reading: Callable[[], object] = lambda: None
        for name, content in files.items():
            self.put(name, content)

    def put(self, name: str, content: bytes, tag: str | None = None) -> None:
        self.files[f"metadata/{name}"] = content
        self.tags[f"metadata/{name}"] = f"v{len(self.tags)}-{hash(content)}" if tag is None else tag

    def stat(self, handle: str) -> Listed:
        if handle not in self.files:
            return super().stat(handle)
        return Listed(handle, ListedKind.FILE, len(self.files[handle]), float(NOW), self.tags[handle])

    def read_tagged(
        self, folder: str, names: Iterable[str], limit: int
    ) -> Generator[tuple[bytes | HandleUnreadable, str], None, None]:
        self.before_reading()
        for name in names:
            self.read_names.append(name)
            for content in super().read_many(folder, [name], limit):
                yield content, self.tags.get(f"{folder}/{name}", "")


def contents(number: int) -> dict[str, bytes]:
    return {f"{n:04}.meta": b"%d;" % n * (n % 7 + 1) for n in range(number)}


def look(store: Versioned, kept: KeptContents, limit: int = LIMIT) -> dict[str, bytes | HandleUnreadable]:
    """What a fresh process sees."""
    reader = CachedReader(store, kept)
    names = [each.name for each in reader.list_folder("metadata")]
    store.read_names.clear()
    return dict(zip(names, reader.read_many("metadata", names, limit), strict=True))


@pytest.fixture
def kept(tmp_path: Path) -> KeptContents:
    return KeptContents(tmp_path / "cache" / "contents", "a store")


def only_file(kept: KeptContents) -> Path:
    (path,) = kept.folder.iterdir()
    return path


# What is read.


@pytest.mark.parametrize("number", [1, 10, 3_000])
def test_what_was_read_before_is_not_read_again(number: int, kept: KeptContents) -> None:
    store = Versioned(contents(number))
    assert look(store, kept) == contents(number)
    assert len(store.read_names) == number
    assert look(store, kept) == contents(number)
    assert store.read_names == []


def test_only_what_is_new_or_has_changed_is_read_and_all_comes_in_order(kept: KeptContents) -> None:
    store = Versioned(contents(2_500))
    look(store, kept)
    changed = {"0000.meta": b"new", "1234.meta": b"8", "1235.meta": b"9", "2499.meta": b"last", "9999.meta": b"more"}
    for name, content in changed.items():
        store.put(name, content)
    assert look(store, kept) == contents(2_500) | changed
    assert store.read_names == sorted(changed)


def test_a_change_of_the_same_size_in_the_same_second_is_seen(kept: KeptContents) -> None:
    store = Versioned({"a": b"abc"})
    look(store, kept)
    store.put("a", b"abd")
    assert look(store, kept) == {"a": b"abd"}


def test_what_is_written_between_listing_and_reading_is_not_kept_for_the_version_that_was_listed(
    kept: KeptContents,
) -> None:
    store = Versioned({})
    store.put("a", b"abc", "first")
    store.before_reading = lambda: store.put("a", b"xyz", "second")
    assert look(store, kept) == {"a": b"xyz"}
    store.before_reading = lambda: None
    store.put("a", b"abc", "first")
    assert look(store, kept) == {"a": b"abc"}


def test_files_without_a_tag_are_read_every_time(kept: KeptContents) -> None:
    store = Versioned({})
    store.put("a", b"abc", "")
    look(store, kept)
    store.put("a", b"abd", "")
    assert look(store, kept) == {"a": b"abd"}
    assert store.read_names == ["a"]


def test_what_is_kept_obeys_the_limit_of_whoever_asks(kept: KeptContents) -> None:
    store = Versioned({"a": b"x" * 100})
    look(store, kept)
    assert isinstance(look(store, kept, limit=99)["a"], HandleUnreadable)


def test_what_went_is_forgotten(kept: KeptContents) -> None:
    store = Versioned(contents(10))
    look(store, kept)
    for name in list(store.files)[3:]:
        del store.files[name]
    assert len(look(store, kept)) == 3
    with sqlite3.connect(only_file(kept)) as database:
        assert database.execute("SELECT count(*) FROM kept").fetchone() == (3,)


def test_reading_can_be_left_in_the_middle_and_what_was_read_is_kept(kept: KeptContents) -> None:
    store = Versioned(contents(20))
    reader = CachedReader(store, kept)
    names = [each.name for each in reader.list_folder("metadata")]
    some = reader.read_many("metadata", names, LIMIT)
    for _ in range(5):
        next(some)
    some.close()  # type: ignore[attr-defined]
    assert look(store, kept) == contents(20)
    assert store.read_names == names[5:]


# What is not believed.


def spoil_content(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE kept SET content = CAST(replace(content, '1', '2') AS BLOB)")


def swap_two(path: Path) -> None:
    """One whole version of a file under the name of another, with all that tells the version."""
    with sqlite3.connect(path) as database:
        database.execute(
            "UPDATE kept SET (digest, content) = (SELECT digest, content FROM kept WHERE handle = ?) WHERE handle = ?",
            (b"metadata/0001.meta", b"metadata/0008.meta"),
        )


def spoil_types(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE kept SET content = CAST(content AS TEXT), size = 'x', digest = NULL")


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3 :: 50] = b"#" * len(content[len(content) // 3 :: 50])
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        spoil_content,
        swap_two,
        spoil_types,
        cut_off,
        scribble,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no database at all" * 1_000),
        lambda path: sqlite3.connect(path).execute("DROP TABLE kept").connection.commit(),
    ],
)
def test_whatever_is_damaged_is_read_again_and_soon_kept_again(
    damage: Callable[[Path], object], kept: KeptContents
) -> None:
    store = Versioned(contents(300))
    look(store, kept)
    damage(only_file(kept))
    assert look(store, kept) == contents(300)
    look(store, kept)
    assert look(store, kept) == contents(300)
    assert store.read_names == []


def test_a_file_of_another_store_is_not_believed(kept: KeptContents) -> None:
    look(Versioned({"a": b"abc"}), kept)
    other = KeptContents(kept.folder, "another store")
    mine = only_file(kept)
    look(Versioned({"a": b"xyz"}), other)
    (others,) = set(kept.folder.iterdir()) - {mine}
    shutil.copy(mine, others)
    store = Versioned({})
    store.put("a", b"xyz", Versioned({"a": b"abc"}).tags["metadata/a"])
    assert look(store, other) == {"a": b"xyz"}


def test_only_its_owner_may_read_it_and_where_somebody_else_may_write_nothing_is_kept(kept: KeptContents) -> None:
    store = Versioned(contents(3))
    look(store, kept)
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(only_file(kept).stat().st_mode) == 0o600
    for path, mode in ((kept.folder, 0o770), (only_file(kept), 0o620)):
        before = path.stat().st_mode
        path.chmod(mode)
        assert look(store, kept) == contents(3)
        assert len(store.read_names) == 3
        path.chmod(before)
    look(store, kept)
    assert store.read_names == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_used(kept: KeptContents) -> None:
    store = Versioned(contents(3))
    look(store, kept)
    os.chown(kept.folder, 12_345, 12_345)
    look(store, kept)
    assert len(store.read_names) == 3


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_file_of_ours_is_left_alone(make: Callable[[Path], object], kept: KeptContents) -> None:
    store = Versioned(contents(3))
    look(store, kept)
    path = only_file(kept)
    path.unlink()
    make(path)
    assert look(store, kept) == contents(3)


def test_where_no_folder_can_be_made_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = Versioned(contents(3))
    for _ in range(2):
        assert look(store, KeptContents(tmp_path / "file" / "contents", "x")) == contents(3)
        assert len(store.read_names) == 3


# How much is kept.


def test_no_more_is_kept_of_a_store_than_is_allowed(tmp_path: Path) -> None:
    kept = KeptContents(tmp_path, "x", most=1 << 20)
    store = Versioned({f"{n:03}": os.urandom(10_000) for n in range(300)})
    everything = dict(look(store, kept))
    assert look(store, kept) == everything
    assert only_file(kept).stat().st_size <= 1 << 20


def test_stores_that_were_looked_at_the_longest_ago_go_first(tmp_path: Path) -> None:
    for number in range(5):
        kept = KeptContents(tmp_path, str(number))
        look(Versioned({"a": b"x" * 100_000}), kept)
    paths = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    tidy(tmp_path, most=300_000)
    assert sorted(tmp_path.iterdir()) == sorted(paths[-2:])


# Several at once, and the whole of it.

PROCESS_SCRIPT = """
import sys
from pathlib import Path
from core.storage.cache.contents import KeptContents
from tests.core.test_cached import Versioned, contents, look
kept = KeptContents(Path(sys.argv[1]), "a store")
for turn in range(10):
    store = Versioned({})
    for name, content in contents(800).items():
        store.put(name, content + (b"!" if int(name[:4]) % 10 == turn else b""), f"{name}{int(name[:4]) % 10 == turn}")
    assert look(store, kept) == {name[9:]: content for name, content in store.files.items()}
"""


def test_several_processes_may_use_it_at_once(kept: KeptContents) -> None:
    words = [sys.executable, "-c", PROCESS_SCRIPT, str(kept.folder)]
    processes = [subprocess.Popen(words, cwd=ROOT) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4


@pytest.fixture
def distant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a bucket with a small store."""
    (tmp_path / "files").mkdir()
    write_store(tmp_path / "files")
    with running("distant_s3", "0", str(tmp_path / "files")) as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        yield address


def asked(address: str) -> dict[str, int]:
    requests: dict[str, int] = json.loads(send("GET", f"{address}/asked", None))["requests"]
    return requests


def test_a_bucket_that_was_read_before_is_only_listed(distant: str, tmp_path: Path) -> None:
    url, folder = "s3://backups/store", tmp_path / "cache"
    looks = []
    for reads in (True, False):
        snapshot = take_snapshot(cached(reader_for(url), url, folder), FixedHost(0.0))
        looks.append((snapshot.index.files, snapshot.index.text.tobytes()))
        assert ("get" in asked(distant)) is reads
    assert looks[0] == looks[1]


def test_the_same_bucket_on_another_server_is_another_store(distant: str, tmp_path: Path) -> None:
    url, folder = "s3://backups/store", tmp_path / "cache"
    for environment in (os.environ, {**os.environ, "AWS_ENDPOINT_URL": "http://elsewhere"}):
        take_snapshot(cached(reader_for(url), url, folder, environment), FixedHost(0.0))
        assert "get" in asked(distant)


def test_nothing_is_kept_of_a_folder_of_files(tmp_path: Path) -> None:
    write_store(tmp_path)
    reader = LocalReader(str(tmp_path))
    assert cached(reader, str(tmp_path), tmp_path / "cache") is reader


def test_it_lies_where_caches_do(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "seamline" / "contents"
    assert cache_folder({"XDG_CACHE_HOME": "not/absolute"}) == Path.home() / ".cache" / "seamline" / "contents"

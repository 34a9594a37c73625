"""Real processes: one writes and is killed at any moment, others read beside it."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from core.storage.local.writer import LocalWriter
from tests.support.soaking import soak_seconds
from tests.support.storage_folders import KERNELS, ROOT, folder_elsewhere, names_in, new_store
from tests.support.storage_work import is_whole

#: Seconds that each of the loops takes.
LONG = soak_seconds(0.8)


@contextmanager
def working(what: str, kernel: str, store: Path, *arguments: str, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does so until the block ends, and is killed then."""
    command = [sys.executable, "-m", "tests.support.storage_work", what, kernel, str(store), *arguments]
    with said.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def wait_for(said: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    """Until a process has said so."""
    until = time.monotonic() + 60
    while words not in said.read_text():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.fixture(params=["one file system", "two"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    store = new_store(tmp_path / "store")
    with folder_elsewhere(tmp_path) if request.param == "two" else nullcontext(None) as elsewhere:
        if elsewhere:
            (store / "metadata_backup").symlink_to(elsewhere)
        yield store


def finish_moves(store: Path) -> int:
    """Finish what was cut off, as the next run does; how many files had both names."""
    both = set(names_in(store / "metadata")) & set(names_in(store / "metadata_backup"))
    for name in both:
        LocalWriter(str(store)).move(f"metadata/{name}", f"metadata_backup/{name}")
    return len(both)


def in_folder(folder: Path) -> set[str]:
    """The names of a folder of which all are whole, but for drafts, which no one reads, outside metadata/."""
    names = {name for name in names_in(folder) if folder.name == "metadata" or not name.startswith(".")}
    assert all(is_whole(name, (folder / name).read_bytes()) for name in names)
    return names


def require_sound(store: Path, said: str) -> None:
    """Every file is whole and under one name, and nothing is amiss of what was said to be done."""
    finish_moves(store)
    live, retired = in_folder(store / "metadata"), in_folder(store / "metadata_backup")
    done = [line.split() for line in said.splitlines() if line.endswith(".meta")]
    assert not live & retired
    assert {name for what, name in done if what == "made"} <= live | retired
    assert {name for what, name in done if what == "moved"} <= retired


@pytest.mark.parametrize("kernel", ["as it is", "like NFS", "no links"])
def test_a_writer_that_is_killed_at_any_moment_leaves_only_whole_files(
    store: Path, kernel: str, tmp_path: Path
) -> None:
    rng, said, rounds = random.Random(kernel), tmp_path / "said", 0
    said.touch()
    until = time.monotonic() + LONG
    while time.monotonic() < until or rounds < 3 or "moved" not in said.read_text():
        start = 1_000_000 * rounds
        with working("write", kernel, store, str(start), said=said) as process:
            wait_for(said, f"made {start}.meta\n", process)
            time.sleep(rng.uniform(0, 0.1))
        require_sound(store, said.read_text())
        rounds += 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_reader_never_sees_half_a_file_or_an_odd_name(store: Path, kernel: str, tmp_path: Path) -> None:
    said, seen = tmp_path / "said", tmp_path / "seen"
    said.touch()
    seen.touch()
    with (
        working("read", kernel, store, said=seen) as reader,
        working("write", kernel, store, "0", said=said) as writer,
    ):
        wait_for(seen, "looked 10\n", reader)
        wait_for(said, "moved 50.meta\n", writer)
        time.sleep(LONG / 4)
        assert writer.poll() is None
    assert "odd" not in seen.read_text()
    assert seen.read_text().count("looked") > 10
    require_sound(store, said.read_text())


def test_two_writers_of_the_same_names_get_each_once(tmp_path: Path) -> None:
    store = new_store(tmp_path / "store")
    script = (
        "import sys\n"
        "from core.errors import AlreadyThere\n"
        "from core.storage.local.writer import LocalWriter\n"
        "writer, won = LocalWriter(sys.argv[1]), 0\n"
        "for number in range(300):\n"
        "    try:\n"
        "        writer.create(f'metadata/{number}.meta', sys.argv[2].encode() * 1000)\n"
        "        won += 1\n"
        "    except AlreadyThere:\n"
        "        continue\n"
        "print(won)\n"
    )
    commands = [[sys.executable, "-c", script, str(store), who] for who in "abc"]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for command in commands]
    won = [int(process.communicate(timeout=60)[0]) for process in running]
    contents = [path.read_bytes() for path in (store / "metadata").iterdir()]
    assert [contents.count(who.encode() * 1000) for who in "abc"] == won
    assert sum(won) == 300

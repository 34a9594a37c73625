"""Commands that are given content: the handle first and whole, then the content, and an end to every wait."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.storage.command.process import CommandFailed, feed_command
from tests.support.adapters import has_ended

FDS = Path("/proc/self/fd")
LARGE = bytes(range(256)) * 40_000


def fed(
    text: str,
    folder: Path,
    content: bytes = b"content\n",
    accept: Callable[[bytes], None] | None = None,
    idle: float = 60,
) -> list[bytes]:
    """Feed a command whose variable OUT is a folder; what it printed before it was given anything."""
    printed: list[bytes] = []
    feed_command(text, {"OUT": str(folder)}, content, accept or printed.append, idle)
    return printed


def failure(text: str, folder: Path, content: bytes = b"content\n", idle: float = 60) -> CommandFailed:
    with pytest.raises(CommandFailed) as caught:
        fed(text, folder, content, idle=idle)
    return caught.value


@pytest.mark.parametrize("content", [b"", b"x", LARGE])
def test_content_arrives_whole_after_the_handle_was_taken(tmp_path: Path, content: bytes) -> None:
    assert fed('printf "a handle\\n"; exec 1>&-; cat > "$OUT/taken"', tmp_path, content) == [b"a handle\n"]
    assert (tmp_path / "taken").read_bytes() == content


def test_no_content_is_given_before_the_output_is_closed(tmp_path: Path) -> None:
    text = 'echo a; read -t 0.3 early && echo "$early" > "$OUT/early"; echo b; exec 1>&-; cat > "$OUT/taken"'
    assert fed(f"set +o errexit; {text}", tmp_path) == [b"a\nb\n"]
    assert not (tmp_path / "early").exists()
    assert (tmp_path / "taken").read_bytes() == b"content\n"


def test_a_command_that_is_not_accepted_is_ended_before_it_was_given_anything(tmp_path: Path) -> None:
    def refuse(_: bytes) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        fed('echo $$ > "$OUT/pid"; echo x; exec 1>&-; cat > "$OUT/taken"; touch "$OUT/ended"', tmp_path, accept=refuse)
    assert (tmp_path / "taken").read_bytes() == b""
    assert has_ended(int((tmp_path / "pid").read_text()))
    assert not (tmp_path / "ended").exists(), "no end of the content was ever seen"


def test_an_output_that_stays_open_ends_with_the_name_of_the_hazard(tmp_path: Path) -> None:
    began = time.monotonic()
    failed = failure('sleep 1000 & echo $! $$ > "$OUT/pids"; cat > "$OUT/taken"; echo handle', tmp_path, idle=0.5)
    assert "adapter-stdout-open" in failed.why
    assert "exec 1>&-" in failed.why
    assert time.monotonic() - began < 10
    assert all(has_ended(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_a_child_that_keeps_the_output_open_is_no_reason_to_hang(tmp_path: Path) -> None:
    failed = failure('sleep 1000 & exec 1>&-; cat > "$OUT/taken"', tmp_path, idle=0.5)
    assert "adapter-stdout-open" in failed.why


def test_exit_codes_count_also_after_the_content(tmp_path: Path) -> None:
    failed = failure('echo x; exec 1>&-; cat > /dev/null; echo "no room" >&2; exit 7', tmp_path, LARGE)
    assert (failed.why, failed.words) == ("ended with exit code 7", "no room\n")


def test_a_pipe_that_breaks_tells_why_by_the_exit_code(tmp_path: Path) -> None:
    failed = failure("echo x; exec 1>&-; head -c 10 > /dev/null; echo denied >&2; exit 3", tmp_path, LARGE)
    assert (failed.why, failed.words) == ("ended with exit code 3", "denied\n")


def test_a_command_that_ends_well_without_all_of_the_content_has_failed(tmp_path: Path) -> None:
    failed = failure('echo x; exec 1>&-; head -c 10 > "$OUT/taken"', tmp_path, LARGE)
    assert "ended well without" in failed.why


def test_a_command_that_reads_no_more_is_ended_and_sees_no_end_of_the_content(tmp_path: Path) -> None:
    text = 'echo x; exec 1>&-; head -c 10 > "$OUT/taken"; sleep 1000; cat >> "$OUT/taken"'
    failed = failure(text, tmp_path, LARGE, idle=0.5)
    assert "took nothing of its content for 0.5 seconds" in failed.why
    assert (tmp_path / "taken").stat().st_size == 10


def test_a_command_that_does_not_end_after_the_content_is_ended(tmp_path: Path) -> None:
    failed = failure('echo $$ > "$OUT/pid"; echo x; exec 1>&-; cat > /dev/null; sleep 1000', tmp_path, idle=0.5)
    assert "said nothing for 0.5 seconds" in failed.why
    assert has_ended(int((tmp_path / "pid").read_text()))


def test_complaints_beside_the_content_do_not_stop_it(tmp_path: Path) -> None:
    text = 'echo x; exec 1>&-; for i in $(seq 2000); do echo "warning $i, as long as a line may well be" >&2; done; '
    fed(text + 'cat > "$OUT/taken"', tmp_path, LARGE)
    assert (tmp_path / "taken").read_bytes() == LARGE


def test_a_handle_without_end_is_cut_off(tmp_path: Path) -> None:
    assert "printed more than" in failure("yes", tmp_path).why


def test_a_command_that_fails_before_it_prints_tells_its_own_words(tmp_path: Path) -> None:
    def refuse(_: bytes) -> None:
        raise ValueError

    with pytest.raises(CommandFailed, match="ended with exit code 6"):
        fed("echo denied >&2; exit 6", tmp_path, accept=refuse)


def test_a_variable_that_is_not_set_fails_as_in_stock(tmp_path: Path) -> None:
    assert "NOT_THERE: unbound variable" in failure('echo x; exec 1>&-; cat > "$OUT/$NOT_THERE"', tmp_path).words


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(list(FDS.iterdir()))
    for _ in range(5):
        fed('echo x; exec 1>&-; cat > "$OUT/taken"', tmp_path)
        failure("exit 1", tmp_path)
    assert len(list(FDS.iterdir())) == before


#: Feeds a command, and dies where the handle was printed, or with half of the content given.
DIES = """
import os, signal, sys, threading, time
from core.storage.command.process import feed_command
def accept(printed):
    if sys.argv[2] == "handle":
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Thread(target=lambda: (time.sleep(0.5), os.kill(os.getpid(), signal.SIGKILL))).start()
slow = 'echo $$ > "$OUT/pid"; echo x; exec 1>&-; head -c 10 > "$OUT/begun"; sleep 1.5; cat > "$OUT/rest"; '
slow += 'touch "$OUT/end"'
feed_command(slow, {"OUT": sys.argv[1]}, bytes(range(256)) * 40_000, accept, 60)
"""


@pytest.mark.parametrize("where", ["handle", "content"])
def test_no_command_takes_half_of_the_content_for_all_when_this_process_is_killed(tmp_path: Path, where: str) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path), where], timeout=60, check=False)
    assert died.returncode == -9
    assert has_ended(int((tmp_path / "pid").read_text()))
    if where == "handle":
        assert not (tmp_path / "end").exists()
    else:
        assert (tmp_path / "end").exists()
        assert (tmp_path / "begun").read_bytes() + (tmp_path / "rest").read_bytes() == LARGE

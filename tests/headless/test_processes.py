"""Real processes: interrupted, piped into readers that go away, on full disks, on terminals."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from tests.support.adapters import has_ended, write_adapter
from tests.support.commands import LATER, Outcome, command, environment, seamline_process
from tests.support.soaking import sampled
from tests.support.stores import lines, txn
from tests.support.windows import Terminal


@pytest.fixture(scope="module")
def large_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that takes a while to read: 300,000 entries in 60 files."""
    store = tmp_path_factory.mktemp("large")
    (store / "metadata").mkdir()
    for number in range(60):
        first = number * 5_000
        content = lines(*(txn(version, version) for version in range(first, first + 5_000)))
        (store / "metadata" / f"transaction_compacted_{first}-{first + 4_999}.meta").write_bytes(content)
    return store


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_ends_with_130_and_says_that_there_is_no_answer(large_store: Path, number: int) -> None:
    process = subprocess.Popen(
        command("check", large_store, "--json-lines"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["message_type"] == "progress"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    last = json.loads(out.splitlines()[-1])
    assert last["message_type"] == "summary"
    assert last["error"]["code"] == 130
    assert last["error"]["kind"] == "interrupted"
    assert "partial" in last["error"]["message"]
    assert b'"verdict"' not in out
    assert b"Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_asked_to_end_leaves_no_command_of_an_adapter_behind(number: int, tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    listing = f"sleep 0.5; echo $$ > {shlex.quote(str(told))}; sleep 1000; true"
    adapter = write_adapter(tmp_path / "a.yaml", tmp_path, listing=listing)
    process = subprocess.Popen(
        command("check", adapter), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    child = int(told.read_text(encoding="ascii"))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, b"interrupted" in err) == (130, True)
    assert has_ended(child)


ENDED_AT_START = """
import os, signal, subprocess, sys
from tui.headless.main import main

class Started(subprocess.Popen):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        with open({pids!r}, "a") as pids:
            pids.write(f"{{self.pid}}\\n")
        os.kill(os.getpid(), signal.{name})

subprocess.Popen = Started
sys.argv[1:] = {arguments!r}
main()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("words", [["check"], ["compact", "--yes", "--lease", "host"]], ids=" ".join)
def test_a_signal_in_the_instant_in_which_a_command_starts_ends_the_command(
    words: list[str], name: str, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    adapter = write_adapter(tmp_path / "a.yaml", tmp_path, listing="sleep 1000; true")
    program = ENDED_AT_START.format(pids=str(pids), name=name, arguments=[words[0], adapter, *words[1:]])
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "interrupted" in done.stderr) == (130, True)
    assert all(map(has_ended, map(int, pids.read_text(encoding="ascii").split())))


STARTS = (["check"], ["restore-plan"], ["compact", "--dry-run"])
INTERRUPTED_AT_IMPORT = """
import signal, sys
from tui.headless.main import run

class Interrupter:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
sys.exit(run({arguments!r}))
"""


@pytest.mark.parametrize(
    ("words", "module"),
    sampled([*product(STARTS, ("core.storage", "numpy", "core.stock", "core.findings", "rich.console"))]),
)
def test_ctrl_c_while_starting_gives_no_traceback(words: list[str], module: str, demo_stores: Path) -> None:
    arguments = [words[0], str(demo_stores / "everything"), *words[1:]]
    program = INTERRUPTED_AT_IMPORT.format(module=module, arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stdout == ""
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_a_sample_store_is_written_says_what_is_left(tmp_path: Path) -> None:
    program = (
        "import signal, sys\nfrom tui.headless.main import run\n"
        "def interrupt(event, arguments):\n"
        "    if event == 'open' and str(arguments[0]).endswith('transaction.manifest'):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "sys.addaudithook(interrupt)\n"
        f"sys.exit(run(['demo', '--no-open', '--dir', {str(tmp_path / 'store')!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert "holds a part of the sample store" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [["check"], ["check", "--json"], ["restore-plan", "--json"], ["demo", "--list"], ["--help"]]
)
def test_a_reader_that_goes_away_is_no_error(words: list[str], demo_stores: Path) -> None:
    store = [] if words[0] in {"demo", "--help"} else [str(demo_stores / "everything")]
    process = subprocess.Popen(
        command(words[0], *store, *words[1:]), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    # An answer was reached, whoever reads it: its code stands. (click itself ends `--help` with 1.)
    assert process.wait(timeout=60) == {"demo": 0, "--help": 1}.get(words[0], 4)
    process.stderr.close()


def test_a_stream_ends_when_nobody_reads_it(large_store: Path) -> None:
    process = subprocess.Popen(
        command("check", large_store, "--json-lines"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 1
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("words", [["check"], ["check", "--json"], ["check", "--json-lines"], ["demo", "--list"]])
def test_a_full_disk_under_the_output_is_said(words: list[str], demo_stores: Path) -> None:
    store = [] if words[0] == "demo" else [str(demo_stores / "clean")]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(words[0], *store, *words[1:]), env=environment(), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_closed_stream_gives_no_traceback(stream: str, demo_stores: Path, tmp_path: Path) -> None:
    words = " ".join(command("check", demo_stores / "clean"))
    done = subprocess.run(
        ["bash", "-c", f"{words} {stream}>&-"], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == {"1": 1, "2": 0}[stream]
    assert "Traceback" not in done.stderr


def on_terminal(*words: str | Path, columns: int = 100, **variables: str) -> Outcome:
    """Run a command line with stdout and stderr on a terminal of their own; `err` stays empty."""
    leader, follower = pty.openpty()
    with contextlib.suppress(OSError):
        import fcntl
        import struct
        import termios

        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    process = subprocess.Popen(
        command(*words),
        env=environment(**{"TERM": "xterm-256color", **variables}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    while True:
        ready, _, _ = select.select([leader], [], [], 60)
        try:
            data = os.read(leader, 65_536) if ready else b""
        except OSError:
            break
        if not data:
            break
        seen += data
    os.close(leader)
    return Outcome(process.wait(timeout=60), seen.decode().replace("\r\n", "\n"), "")


def test_the_app_does_not_start_where_it_could_not_draw(demo_stores: Path) -> None:
    leader, follower = pty.openpty()
    done = subprocess.run(
        command("open", demo_stores / "clean"),
        env=environment(TERM="xterm-256color"),
        stdin=follower,
        stdout=follower,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(leader)
    os.close(follower)
    assert done.returncode == 2
    assert b"the app needs a terminal, and stderr is redirected" in done.stderr


def test_on_a_terminal_answers_are_coloured_and_as_wide_as_it_is(demo_stores: Path) -> None:
    outcome = on_terminal("check", demo_stores / "everything", "--no-pager", columns=130)
    assert outcome.code == 4
    assert "\x1b[1;31mBROKEN\x1b[0m" in outcome.out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", outcome.out)
    assert max(len(line.rstrip()) for line in plain.splitlines() if line.startswith("  what ")) > 100


def test_no_color_is_respected(demo_stores: Path) -> None:
    outcome = on_terminal("check", demo_stores / "everything", "--no-pager", NO_COLOR="1")
    # Bold may stay: the convention is about colours.
    assert "\x1b[31m" not in outcome.out
    assert "\x1b[1;31m" not in outcome.out
    assert "BROKEN" in outcome.out


#: A pager that needs nobody at the keys, and leaves a mark.
MARKING_PAGER = "sed s/^/paged:/"


def test_an_answer_longer_than_the_terminal_goes_through_the_pager(demo_stores: Path) -> None:
    outcome = on_terminal("check", demo_stores / "everything", PAGER=MARKING_PAGER)
    assert outcome.code == 4
    assert "paged:BROKEN" in outcome.out
    assert outcome.out.rstrip().splitlines()[-1].startswith("paged:  now ")


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (("--no-pager",), {"PAGER": MARKING_PAGER}),
        (("--json",), {"PAGER": MARKING_PAGER}),
        (("--json-lines",), {"PAGER": MARKING_PAGER}),
        (("--summary",), {"PAGER": MARKING_PAGER}),
        ((), {"PAGER": MARKING_PAGER, "TERM": "dumb"}),
        ((), {"PAGER": ""}),
    ],
    ids=["asked", "json", "json lines", "short enough", "dumb", "ruled out"],
)
def test_what_needs_no_pager_gets_none(words: tuple[str, ...], variables: dict[str, str], demo_stores: Path) -> None:
    outcome = on_terminal("check", demo_stores / "everything", *words, **variables)
    assert outcome.code == 4
    assert "BROKEN" in outcome.out or '"verdict":"broken"' in outcome.out
    assert "paged:" not in outcome.out


@pytest.mark.skipif(None in map(shutil.which, ("less", "tmux")), reason="less or tmux is not installed")
def test_ctrl_c_in_the_pager_ends_nothing_by_force(demo_stores: Path, tmp_path: Path) -> None:
    window = Terminal(tmp_path, command("check", demo_stores / "everything"), (100, 30), PAGER="less")
    try:
        window.wait_for_text("BROKEN", "\n:")
        assert "\x1b[1m\x1b[31mBROKEN" in window.colours()
        window.press("C-c")
        while not window.ended():
            window.press("q")  # less forgets what was typed just before it heard of the interrupt.
        assert window.ended() == "4"
        assert "Traceback" not in window.lines() and "Aborted" not in window.lines()
    finally:
        window.close()


def test_progress_is_drawn_on_a_terminal_and_wiped(large_store: Path) -> None:
    outcome = on_terminal("check", large_store, "--json")
    assert "\r\x1b[2Kreading metadata: " in outcome.out
    assert outcome.out.splitlines()[-1].split("\x1b[2K")[-1].startswith('{"schema":1')
    assert "reading" not in seamline_process("check", large_store, "--json").err


def test_a_deep_look_says_first_what_it_will_read(demo_stores: Path) -> None:
    outcome = on_terminal("check", demo_stores / "clean", "--level", "4")
    assert "level 4 looks at " in outcome.out.split("\n")[0]
    assert seamline_process("check", demo_stores / "clean", "--level", "4").err == ""


@pytest.mark.parametrize("words", [[], ["open"]])
def test_a_missing_store_is_said_before_the_app_takes_the_screen(words: list[str], tmp_path: Path) -> None:
    outcome = on_terminal(*words, tmp_path / "no such store")
    assert outcome.code == 20
    assert "can't read the store" in outcome.out
    assert "\x1b[?1049h" not in outcome.out


def test_a_demo_on_a_terminal_refuses_a_folder_in_use(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    outcome = on_terminal("demo", "--dir", tmp_path)
    assert outcome.code == 2
    assert "is not empty" in outcome.out
    assert (tmp_path / "mine").read_text() == "precious"


def test_the_module_and_the_function_give_the_same_answer(demo_stores: Path) -> None:
    from tests.support.commands import seamline

    store = demo_stores / "clean"
    assert seamline_process("check", store) == seamline("check", store, now=LATER)

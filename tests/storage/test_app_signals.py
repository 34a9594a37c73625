"""The app on a bucket is asked to end while an operation waits for the server."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.support.commands import seamline_process
from tests.support.faults import MUTATING, Fault, FaultProxy
from tests.support.servers.running import Bucket
from tests.support.windows import Terminal
from tests.tui.support import copied

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not on this machine")


def compacting(window: Terminal, at: str) -> None:
    window.wait_for_text("clean", "No problems")
    window.press("c")
    window.wait_for_text("Enter compact now")
    window.press("Enter")
    window.wait_for_text("type compact to carry it out")
    window.press("Enter")
    window.wait_for_text("Type compact to carry it out")
    window.press("compact", "Enter")
    window.wait_for_text(at)


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
@pytest.mark.parametrize("fault", ["delay", "hang"])
def test_a_signal_in_an_operation_on_a_bucket_never_freezes_the_app(
    bucket: Bucket, proxied: FaultProxy, fault: str, tmp_path: Path
) -> None:
    store = copied("clean", tmp_path)
    for file in (each for each in store.rglob("*") if each.is_file()):
        bucket.put(str(file.relative_to(store)), file.read_bytes())
    proxied.certainly(Fault(fault, MUTATING, path="metadata_backup", skip=2, times=-1), delays=(2, 2))
    folder = tmp_path / "terminal"
    folder.mkdir()
    variables = bucket.kind.variables(proxied.address)
    window = Terminal(folder, [sys.executable, "-m", "tui.headless", "open", bucket.url], (100, 30), **variables)
    try:
        compacting(window, "retire metadata/")
        window.signal(SIGTERM)
        window.wait_for_text("asked to end (SIGTERM): stopping after this step")
        if fault == "hang":
            window.signal(SIGTERM)
        window.wait_for(lambda: window.ended() == "130", "the end of the program with 130")
        window.wait_for(window.is_given_back, "a terminal that is as it was")
        said = window.lines()
    finally:
        window.close()
    assert ("compact: stopped after" in said) == (fault == "delay")
    assert ("compact was cut off at step" in said) == (fault == "hang")
    assert "seamline log" in said or "seamline resume" in said
    proxied.clear()
    assert seamline_process("resume", bucket.url).code == 0

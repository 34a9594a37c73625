"""Commands on a bucket whose server is slow: whoever has waited enough is let go at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.support.commands import command, environment
from tests.support.servers.running import running, send, variables

URL = "s3://backups/store"
FILES = 300


@contextmanager
def slow_bucket(tmp_path: Path, milliseconds: str) -> Iterator[str]:
    """The address of a server that answers only after so long: listings, and, behind a comma, objects."""
    metadata = tmp_path / "files" / "metadata"
    metadata.mkdir(parents=True)
    for number in range(FILES):
        line = {"TransactionBackup": {"first_version": number, "last_version": number, "manifest": f"{number}/m"}}
        (metadata / f"{number}.meta").write_text(json.dumps(line) + "\n")
    with running("distant_s3", milliseconds, str(tmp_path / "files")) as address:
        yield address


def asked(address: str) -> dict[str, int]:
    requests: dict[str, int] = json.loads(send("GET", f"{address}/asked", None))["requests"]
    return requests


@pytest.mark.parametrize(("milliseconds", "when"), [("60000", "list"), ("0,60000", "get")])
def test_an_interrupted_check_ends_at_once_while_requests_are_under_way(
    milliseconds: str, when: str, tmp_path: Path
) -> None:
    with slow_bucket(tmp_path, milliseconds) as address:
        homes = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_STATE_HOME": str(tmp_path / "state")}
        surroundings = environment(**variables(address), **homes)
        with subprocess.Popen(command("check", URL), env=surroundings, stdout=PIPE, stderr=PIPE) as process:
            while when not in asked(address):
                assert process.poll() is None
            began = time.monotonic()
            os.kill(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=60)
            taken = time.monotonic() - began
    assert (process.returncode, out) == (130, b"")
    assert b"interrupted" in err
    assert b"Traceback" not in err
    assert taken < 9

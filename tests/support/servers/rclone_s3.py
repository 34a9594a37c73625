"""S3 as rclone serves a folder: a real server that takes the conditions of a write and ignores them without a word."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.servers.running import SECRET

_STARTED_RE: Final = re.compile(r"Starting s3 server on \[(http://[^/\]]+)/?\]")


@contextmanager
def rclone_s3(folder: Path) -> Iterator[str]:
    """The address of a server whose buckets are the subfolders of `folder`, while the block runs."""
    program = Path(sys.executable).with_name("rclone")
    words = [str(program), "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", f"AKIATEST,{SECRET}"]
    words += ["--config", "/dev/null", str(folder)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            started = next(filter(None, map(_STARTED_RE.search, process.stderr)), None)
            assert started, "rclone did not start"
            yield started[1]
        finally:
            process.kill()

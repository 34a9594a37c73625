"""How a store is read today: for each file a bash, a client of the storage and a gzip, some files at once.

The client is the `aws` command where it is installed. Otherwise it is a small one on botocore, on which `aws` is built
too: it does without the command's own start, and so is quicker.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

#: As in stock's sample configuration for S3.
PRELUDE: Final = "set -o nounset -o errexit -o pipefail; "
AWS: Final = 'aws --endpoint-url "$AWS_ENDPOINT_URL" s3 cp "s3://$BUCKET/$KEY" - | gzip -cd'
BOTOCORE: Final = '"$PYTHON" -m tests.benchmarks.piped "$BUCKET" "$KEY" | gzip -cd'


def client() -> str:
    """Which client it is."""
    return "aws" if shutil.which("aws") else "botocore"


def read_by_pipes(bucket: str, keys: Sequence[str], at_once: int) -> tuple[float, float]:
    """Read each key through a pipeline of its own, `at_once` at a time.

    The seconds it took, and those that it took of the processors.
    """
    text = PRELUDE + (AWS if client() == "aws" else BOTOCORE)
    environment = {**os.environ, "PYTHON": sys.executable, "BUCKET": bucket}

    def read(key: str) -> bytes:
        words = ["bash", "-c", text]
        return subprocess.run(words, env={**environment, "KEY": key}, stdout=subprocess.PIPE, check=True).stdout

    began, before = time.perf_counter(), _processor_seconds()
    with ThreadPoolExecutor(at_once) as pool:
        assert all(content.startswith(b"{") for content in pool.map(read, keys))
    return time.perf_counter() - began, _processor_seconds() - before


def _processor_seconds() -> float:
    """What the processes that were waited for have taken so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _copy_out(bucket: str, key: str) -> None:
    from botocore.session import Session

    client = Session().create_client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    sys.stdout.buffer.write(client.get_object(Bucket=bucket, Key=key)["Body"].read())


if __name__ == "__main__":
    _copy_out(*sys.argv[1:])

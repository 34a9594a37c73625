"""One S3 for all tests of a process, and a prefix of its bucket for each test."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.servers.running import BUCKET, Bucket, running, send, variables


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 that has an empty bucket."""
    with running("moto_s3") as address:
        send("PUT", f"{address}/{BUCKET}", b"")
        yield address


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty prefix of that bucket; the environment leads there."""
    for name, value in variables(s3).items():
        monkeypatch.setenv(name, value)
    return Bucket(s3, BUCKET, f"stores/{uuid4().hex}")

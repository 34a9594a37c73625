"""Servers for tests: each in a process of its own on a free port of the loopback, ended by its id."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.support.commands import environment

ROOT = Path(__file__).parents[3]
BUCKET = "backups"
SECRET = "wJalrXUtnFEMIfake"
_HEADERS = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKIATEST/20200101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=unchecked",
    "Content-Type": "application/octet-stream",
}


@contextmanager
def running(module: str, *arguments: str) -> Iterator[str]:
    """The address of a server of `tests.support.servers` while the block runs."""
    words = [sys.executable, "-m", f"tests.support.servers.{module}", *arguments]
    with subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip()
            assert port, f"{module} did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def variables(address: str) -> Mapping[str, str]:
    """What the environment says to reach such a server as S3."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }


@dataclass(frozen=True, slots=True)
class Bucket:
    """A prefix of a bucket on a server, as a foreign tool writes to it: whatever the key."""

    address: str
    name: str
    prefix: str

    @property
    def url(self) -> str:
        """What an operator types."""
        return f"s3://{self.name}/{self.prefix}"

    def put(self, key: str, content: bytes) -> None:
        """Write an object over whatever is there."""
        send("PUT", f"{self.address}/{self.name}/{quote(f'{self.prefix}/{key}')}", content)

    def delete(self, key: str) -> None:
        """Delete an object."""
        send("DELETE", f"{self.address}/{self.name}/{quote(f'{self.prefix}/{key}')}", None)


def send(method: str, url: str, content: bytes | None) -> bytes:
    """One request to a server of ours, past any proxy."""
    request = urllib.request.Request(url, data=content, method=method, headers=_HEADERS)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        body: bytes = answer.read()
    return body

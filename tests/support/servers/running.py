"""Servers for tests: each in a process of its own on a free port of the loopback, ended by its id."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.support.commands import environment
from tests.support.servers.kinds import BUCKET, S3, SECRET, Kind, s3_variables, send

__all__ = ["BUCKET", "SECRET", "Bucket", "running", "running_kind", "send", "variables"]

ROOT = Path(__file__).parents[3]
AZURITE: Final = ROOT / ".servers" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
_AZURITE_WORDS: Final = "--inMemoryPersistence --disableTelemetry --skipApiVersionCheck --silent"
#: Ours print the port alone.
_PORT_RE: Final = re.compile(r"^(?:.* listens on http://127\.0\.0\.1:)?(\d+)$")


@contextmanager
def running(module: str, *arguments: str) -> Iterator[str]:
    """The address of a server of `tests.support.servers` while the block runs."""
    with _running([sys.executable, "-m", f"tests.support.servers.{module}", *arguments]) as address:
        yield address


@contextmanager
def running_kind(kind: Kind) -> Iterator[str]:
    """The address of a fresh server that stands for a provider; skips the test where it is not installed."""
    with TemporaryDirectory() as folder:
        module = [sys.executable, "-m", f"tests.support.servers.{kind.server}", folder]
        with _running(_azurite() if kind.server == "azurite" else module) as address:
            yield address


@contextmanager
def _running(words: Sequence[str]) -> Iterator[str]:
    with subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = next(filter(None, map(_PORT_RE.search, map(str.strip, process.stdout))), None)
            assert found, f"{words} did not start"
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.kill()


def _azurite() -> list[str]:
    node = shutil.which("node")
    if node is None or not AZURITE.exists():
        missing = "Azurite is not installed (make servers)"
        if os.environ.get("SEAMLINE_CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return [node, str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", "0", *_AZURITE_WORDS.split()]


def variables(address: str) -> Mapping[str, str]:
    """What the environment says to reach such a server as S3."""
    return s3_variables(address)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A prefix of a bucket on a server, as a foreign tool uses it: whatever the key."""

    address: str
    name: str
    prefix: str
    kind: Kind = S3

    @property
    def url(self) -> str:
        """What an operator types."""
        return self.kind.url(self.name, self.prefix)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that lead there."""
        return self.kind.variables(self.address)

    def below(self, prefix: str) -> Bucket:
        """A prefix of this one."""
        return replace(self, prefix=f"{self.prefix}/{prefix}")

    def of(self, name: str) -> Bucket:
        """The same prefix of another bucket."""
        return replace(self, name=name)

    def put(self, key: str, content: bytes) -> None:
        """Write an object over whatever is there."""
        self.kind.ask(self.address, "PUT", self._path(key), {}, content)

    def get(self, key: str) -> bytes:
        """An object's content."""
        return self.kind.ask(self.address, "GET", self._path(key), {}, None)

    def delete(self, key: str) -> None:
        """Delete an object."""
        self.kind.ask(self.address, "DELETE", self._path(key), {}, None)

    def list(self) -> list[str]:
        """Every key below the prefix, without it."""
        found = self.kind.list_keys(self.address, self.name, f"{self.prefix}/")
        return sorted(key.removeprefix(f"{self.prefix}/") for key in found)

    def _path(self, key: str) -> str:
        return f"{self.name}/{self.prefix}/{key}"

"""One server of each provider for all tests of a process, and a prefix of its bucket for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest

from tests.support.faults import FaultProxy, faulty
from tests.support.servers.kinds import KINDS, Kind
from tests.support.servers.running import BUCKET, Bucket, running_kind


@pytest.fixture(scope="session")
def serving() -> Iterator[Callable[[Kind], str]]:
    """The address of the server of a provider, started when it is first asked for; it has an empty bucket."""
    addresses: dict[str, str] = {}
    with ExitStack() as stack:

        def address(kind: Kind) -> str:
            if kind.name not in addresses:
                addresses[kind.name] = stack.enter_context(running_kind(kind))
                kind.make_bucket(addresses[kind.name], BUCKET)
            return addresses[kind.name]

        yield address


@pytest.fixture(params=KINDS)
def bucket(request: pytest.FixtureRequest, serving: Callable[[Kind], str], monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty prefix of that bucket, of each provider in turn; the environment leads there."""
    return _empty(KINDS[request.param], serving, monkeypatch)


@pytest.fixture
def s3_bucket(serving: Callable[[Kind], str], monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """The same of S3 alone, for what differs nowhere."""
    return _empty(KINDS["s3"], serving, monkeypatch)


@pytest.fixture(scope="session")
def proxying(serving: Callable[[Kind], str]) -> Iterator[Callable[[Kind], FaultProxy]]:
    """A proxy before the server of a provider, started when it is first asked for."""
    proxies: dict[str, FaultProxy] = {}
    with ExitStack() as stack:

        def proxy(kind: Kind) -> FaultProxy:
            if kind.name not in proxies:
                proxies[kind.name] = stack.enter_context(faulty(serving(kind)))
            return proxies[kind.name]

        yield proxy


@pytest.fixture
def proxied(
    bucket: Bucket, proxying: Callable[[Kind], FaultProxy], monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultProxy]:
    """The proxy before the server of the bucket, which requests go through; the bucket's own requests go past it."""
    proxy = proxying(bucket.kind)
    proxy.clear()
    for name, value in bucket.kind.variables(proxy.address).items():
        monkeypatch.setenv(name, value)
    yield proxy
    proxy.clear()


def _empty(kind: Kind, serving: Callable[[Kind], str], monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket = Bucket(serving(kind), BUCKET, f"stores/{uuid4().hex}", kind)
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    return bucket

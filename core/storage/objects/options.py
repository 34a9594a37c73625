"""What every provider's client is opened with: how long it waits, and which server it may talk to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from core.errors import UsageError
from core.phrases import shown

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

#: What may stand in an address: nothing that is written otherwise, and no query.
_ADDRESS_RE: Final = re.compile(
    r"[a-z]+://[\w.\-:\[\]@!$&'()*+,;=~]+(?:/[\w.\-:@!$&'()*+,;=~/]*)?", re.ASCII | re.IGNORECASE
)
_YES: Final = frozenset({"1", "true", "yes", "on", "t", "y"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the client waits, in seconds: for a connection, for the next bytes, for a whole request, for retries."""

    connect: float
    silence: float
    request: float
    retries: int
    retrying: float


#: For the store's files.
PATIENT: Final = Patience(connect=5, silence=10, request=120, retries=5, retrying=20)
#: For the lease, which must tell within its time whether it still holds (`lease.md`, "Renew").
PROMPT: Final = Patience(connect=5, silence=5, request=5, retries=2, retrying=5)


def says_yes(environment: Mapping[str, str], name: str) -> bool:
    """Whether a variable is set to what means yes."""
    return environment.get(name, "").lower() in _YES


def client_options(patience: Patience, allow_http: bool) -> ClientConfig:
    """How long each request may take, and whether it may go without encryption."""
    return {
        "allow_http": allow_http,
        "connect_timeout": timedelta(seconds=patience.connect),
        "read_timeout": timedelta(seconds=patience.silence),
        "timeout": timedelta(seconds=patience.request),
    }


def retrying(patience: Patience) -> RetryConfig:
    """How often a request is sent again, and for how long."""
    return {
        "max_retries": patience.retries,
        "retry_timeout": timedelta(seconds=patience.retrying),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=5),
            "base": 2,
        },
    }


def endpoint_in(environment: Mapping[str, str], names: Sequence[str], allowing: str) -> tuple[str, str] | None:
    """The first of the variables that is set, and the server that it names.

    Raises `UsageError` for what is no address, and for one without encryption unless the variable `allowing` says yes.
    """
    name = next((name for name in names if environment.get(name)), None)
    if name is None:
        return None
    address = environment[name]
    parts, server = urlsplit(""), None
    with suppress(ValueError):
        parts = urlsplit(address)
        server = _server_of(address, parts)
    if not server or parts.scheme not in ("http", "https"):
        raise UsageError(f"{name} is no address of a server", hint=f"write {name}=https://HOST:PORT")
    if parts.scheme == "http" and not says_yes(environment, allowing):
        raise UsageError(
            f"{name} leads to {shown(server)} without encryption (http://)",
            hint=f"use https://, or allow it for a server that you trust: {allowing}=true",
        )
    return name, address


def require_sendable(environment: Mapping[str, str], names: Sequence[str]) -> None:
    """Raises `UsageError` for a variable that goes into a header and can't stand in one: the client panics at that."""
    for name in names:
        value = environment.get(name, "")
        if not (value.isascii() and value.isprintable()):
            hint = f"set {name} again: a file with Windows line ends leaves such behind"
            raise UsageError(f"{name} holds a line break or another character that can't be sent", hint=hint)


def _server_of(address: str, parts: SplitResult) -> str | None:
    """The server of an address, None for what can't be one; else `ValueError`.

    All that the client itself could not take apart must be seen here: of that it makes a panic, no error.
    """
    server = parts.hostname
    if not server or not _ADDRESS_RE.fullmatch(address) or parts.port == 0:
        return None
    if "[" in address:
        IPv6Address(server)
        return server
    if server.rpartition(".")[2].isdigit():
        return str(IPv4Address(server))
    return server if server.encode("ascii").decode("idna") else None

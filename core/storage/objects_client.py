"""Connections to a bucket. Every wait has an end, so that whoever quits is not kept.

The client's calls are synchronous and made from threads: its asynchronous ones can abort the interpreter at exit. A
client must not cross a fork. Credentials come from the usual environment variables, which the client reads itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from obstore.store import S3Store

from core.errors import UsageError
from core.phrases import shown
from core.storage.objects_location import Location, Provider

Client: TypeAlias = S3Store
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
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
PATIENT: Final = Patience(connect=5, silence=10, request=120, retries=3, retrying=15)
#: For the lease, which must tell within its time whether it still holds (`lease.md`, "Renew").
PROMPT: Final = Patience(connect=5, silence=5, request=5, retries=2, retrying=5)


def open_client(location: Location, environment: Mapping[str, str], patience: Patience = PATIENT) -> Client:
    """A client whose paths are relative to the store. Nothing is sent yet.

    Raises `UsageError` for a provider that is not supported yet, and for a server that is reached without encryption
    unless AWS_ALLOW_HTTP says so.
    """
    if location.provider is not Provider.S3:
        raise UsageError(
            f"this version reads and writes folders, command adapters and s3:// buckets, not {location.provider} ones",
            hint="use a stock command adapter for it, or mount it and name its folder",
        )
    allow_http = environment.get("AWS_ALLOW_HTTP", "").lower() in _YES
    _require_server(environment, allow_http)
    try:
        return S3Store(
            location.bucket,
            prefix=location.prefix or None,
            conditional_put="etag",
            # Plain DELETE of one key: every clone has it, and the right to delete others is not needed.
            disable_bulk_delete=True,
            client_options={
                "allow_http": allow_http,
                "connect_timeout": timedelta(seconds=patience.connect),
                "read_timeout": timedelta(seconds=patience.silence),
                "timeout": timedelta(seconds=patience.request),
            },
            retry_config={
                "max_retries": patience.retries,
                "retry_timeout": timedelta(seconds=patience.retrying),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
        )
    except Exception as error:
        # Its text may hold what the environment says.
        raise UsageError(
            "the settings for S3 in the environment can't be used",
            hint="look at the AWS_* variables: AWS_ENDPOINT_URL, AWS_REGION and the others",
        ) from error


def _require_server(environment: Mapping[str, str], allow_http: bool) -> None:
    name = next((name for name in _ENDPOINTS if environment.get(name)), None)
    if name is None:
        return
    try:
        parts = urlsplit(environment[name])
        server = parts.hostname
    except ValueError:
        server = None
    if not server or parts.scheme not in ("http", "https"):
        raise UsageError(f"{name} is no address of a server", hint=f"write {name}=https://HOST:PORT")
    if parts.scheme == "http" and not allow_http:
        raise UsageError(
            f"{name} leads to {shown(server)} without encryption (http://)",
            hint="use https://, or allow it for a server that you trust: AWS_ALLOW_HTTP=true",
        )

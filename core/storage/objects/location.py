"""Where a store in a bucket lies: what the operator typed, taken apart. Pure text, nothing is looked up.

`s3://bucket/prefix`, `gs://bucket/prefix`, `abfss://container@account.dfs.core.windows.net/prefix` and
`https://account.blob.core.windows.net/container/prefix` are understood. What is close to one of them is refused with
the words that say how to write it. Nothing secret is taken from a location, and none that stands in it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from core.errors import UsageError
from core.names import handle_problem
from core.phrases import shown

_BUCKET_RE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}[A-Za-z0-9]")
_CONTAINER_RE: Final = re.compile(r"\$root|\$web|[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}")
_ACCOUNT_RE: Final = re.compile(r"[a-z0-9]{3,24}")
_AZURE_HOST_RE: Final = re.compile(r"([^.]*)\.(?:blob|dfs)\.core\.windows\.net", re.IGNORECASE)
_AZURE_FORM: Final = "write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX"
_SHORT_AZURE: Final = "its first part would be read as the container, not as the account"


class Provider(StrEnum):
    """Whose protocol a bucket speaks."""

    S3 = "s3"
    GCS = "gs"
    AZURE = "azure"


@dataclass(frozen=True, slots=True)
class Location:
    """One store in a bucket (Azure: a container of `account`). `prefix` has no slash at either end; "" is the top.

    `text` is what the operator typed.
    """

    provider: Provider
    bucket: str
    prefix: str
    text: str
    account: str = ""


def is_object_location(text: str) -> bool:
    """Whether a location is meant for a bucket, well written or not."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.lower() in (*_READ, *_MISTAKEN)


def parse_location(text: str) -> Location:
    """A location in a bucket. Raises `UsageError` with the words for what is wrong."""
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme in _MISTAKEN:
        why, hint = _MISTAKEN[scheme]
        raise UsageError(f"{scheme}:// is not taken: {why}", hint=hint)
    if scheme not in _READ:
        raise UsageError(f"{shown(scheme)}:// is no object store", hint="write s3://BUCKET/PREFIX")
    if "?" in rest or "#" in rest:
        # What follows may be a signature, which is as good as a key.
        hint = "give keys and tokens in the environment, never in the location"
        raise UsageError(f"a location of {scheme}:// has neither a query nor a fragment", hint=hint)
    return _READ[scheme](text, rest)


def _s3(text: str, rest: str) -> Location:
    return _bucket(Provider.S3, text, rest)


def _gcs(text: str, rest: str) -> Location:
    return _bucket(Provider.GCS, text, rest)


def _bucket(provider: Provider, text: str, rest: str) -> Location:
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket or ":" in bucket:
        hint = f"write {provider}://BUCKET/PREFIX; keys come from the environment"
        raise UsageError(f"a location of {provider}:// names a bucket, no user, key or port", hint=hint)
    _require(_BUCKET_RE, bucket, "bucket", f"write {provider}://BUCKET/PREFIX")
    return Location(provider, bucket, _prefix(prefix), text)


def _abfss(text: str, rest: str) -> Location:
    authority, _, prefix = rest.partition("/")
    container, at, host = authority.partition("@")
    match = _AZURE_HOST_RE.fullmatch(host)
    if not at or match is None:
        raise UsageError(f"an abfss:// location names the container and the account: {_SHORT_AZURE}", hint=_AZURE_FORM)
    return _azure(text, match[1], container, prefix)


def _https(text: str, rest: str) -> Location:
    host, _, path = rest.partition("/")
    match = _AZURE_HOST_RE.fullmatch(host)
    if match is None:
        hint = "name a bucket as s3://BUCKET/PREFIX and its server in AWS_ENDPOINT_URL"
        raise UsageError("an https:// location is one of Azure: ACCOUNT.blob.core.windows.net/CONTAINER", hint=hint)
    container, _, prefix = path.partition("/")
    return _azure(text, match[1], unquote(container), unquote(prefix))


def _azure(text: str, account: str, container: str, prefix: str) -> Location:
    _require(_ACCOUNT_RE, account.lower(), "account", _AZURE_FORM)
    _require(_CONTAINER_RE, container, "container", _AZURE_FORM)
    return Location(Provider.AZURE, container, _prefix(prefix), text, account.lower())


def _require(pattern: re.Pattern[str], name: str, what: str, hint: str) -> None:
    if not name:
        raise UsageError(f"the location names no {what}", hint=hint)
    if not pattern.fullmatch(name):
        raise UsageError(f"{shown(name)!r} can't be the name of a {what}", hint=hint)


def _prefix(text: str) -> str:
    if text.startswith("/"):
        # On some storages that is a key of its own, on none the one without.
        raise UsageError("the prefix begins with a slash, which no client can ask for", hint="write one slash only")
    prefix = text.rstrip("/")
    problem = handle_problem(prefix) if prefix else None
    if problem:
        raise UsageError(f"{shown(prefix)!r} can't be a prefix: {problem}", hint="look at the bucket's own listing")
    return prefix


_READ: Final[Mapping[str, Callable[[str, str], Location]]] = {
    "s3": _s3,
    "gs": _gcs,
    "abfss": _abfss,
    "https": _https,
}
#: What is often typed instead, and would mean something else, or nothing.
_MISTAKEN: Final[Mapping[str, tuple[str, str]]] = {
    "az": (_SHORT_AZURE, _AZURE_FORM),
    "azure": (_SHORT_AZURE, _AZURE_FORM),
    "adl": (_SHORT_AZURE, _AZURE_FORM),
    "abfs": ("it is not encrypted", _AZURE_FORM),
    "wasb": ("it is not encrypted", _AZURE_FORM),
    "wasbs": ("it is an old name of the same place", _AZURE_FORM),
    "gcs": ("the scheme of Google Cloud Storage is gs", "write gs://BUCKET/PREFIX"),
    "s3a": ("the scheme of S3 is s3", "write s3://BUCKET/PREFIX"),
    "s3n": ("the scheme of S3 is s3", "write s3://BUCKET/PREFIX"),
    "http": ("it is not encrypted", "name a bucket as s3://BUCKET/PREFIX and its server in AWS_ENDPOINT_URL"),
}

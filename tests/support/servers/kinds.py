"""How each provider is spoken to by somebody who is not Seamline: raw requests, signed where the server looks.

All servers listen on the loopback. Keys are sent as they are, whatever they hold.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from html import unescape
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

BUCKET: Final = "backups"
SECRET: Final = "wJalrXUtnFEMIfake"
AZURE_ACCOUNT: Final = "devstoreaccount1"
#: Of Azurite, published.
AZURE_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_S3_HEADERS: Final = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKIATEST/20200101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=unchecked",
    "Content-Type": "application/octet-stream",
}
_GCS_HEADERS: Final = {"Authorization": "Bearer all", "Content-Type": "application/octet-stream"}
_AZURE_VERSION: Final = "2021-12-02"


def send(method: str, url: str, content: bytes | None, headers: Mapping[str, str] | None = None) -> bytes:
    """One request to a server of ours, past any proxy; signed as for S3 unless `headers` say otherwise."""
    named = dict(_S3_HEADERS if headers is None else headers)
    request = urllib.request.Request(url, data=content, method=method, headers=named)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        body: bytes = answer.read()
    return body


Ask: TypeAlias = Callable[[str, str, str, Mapping[str, str], bytes | None], bytes]
Act: TypeAlias = Callable[[Ask, str, str], object]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One provider: the server module that stands for it, what leads there, and a raw request of its protocol.

    S3 is moto's, or that of the module which SEAMLINE_S3 names.

    `ask(address, method, path, query, content)` sends; `make` and `publish` act on a bucket. `secrets` are the
    variables that hold keys; `limited` says which to set to be somebody who may not do everything, and `anonymous` the
    one that does without. `page` is the query that lists, `keys` the pattern of a key in its answer, `more` that of
    what goes on, and the parameter that it is.
    """

    name: str
    server: str
    url: Callable[[str, str], str]
    variables: Callable[[str], Mapping[str, str]]
    limited: Callable[[str], Mapping[str, str]]
    secrets: tuple[str, ...]
    anonymous: str
    ask: Ask
    make: Act
    publish: Act
    page: Mapping[str, str]
    keys: re.Pattern[bytes]
    more: tuple[re.Pattern[bytes], str]

    def make_bucket(self, address: str, name: str) -> None:
        """Make a bucket that is new."""
        self.make(self.ask, address, name)

    def make_public(self, address: str, name: str) -> None:
        """Make a bucket that everybody may read and list; on the server of ours its name begins with `public`."""
        self.make(self.ask, address, name)
        self.publish(self.ask, address, name)

    def list_keys(self, address: str, name: str, prefix: str) -> Iterator[str]:
        """Every key with that prefix, from as many pages as there are."""
        pattern, parameter = self.more
        goes_on: dict[str, str] = {}
        while True:
            answer = self.ask(address, "GET", name, {**self.page, "prefix": prefix, **goes_on}, None)
            yield from (unescape(key.decode()) for key in self.keys.findall(answer))
            more = pattern.search(answer)
            if more is None:
                return
            goes_on = {parameter: unescape(more[1].decode())}


def s3_variables(address: str) -> Mapping[str, str]:
    """What the environment says to reach a server of ours as S3."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }


def gcs_variables(address: str) -> Mapping[str, str]:
    """The same for Google Cloud Storage."""
    return {"GOOGLE_BASE_URL": address, "GOOGLE_ALLOW_HTTP": "true", "GOOGLE_BEARER_TOKEN": "all"}


def azure_variables(address: str) -> Mapping[str, str]:
    """The same for Azure."""
    return {
        "AZURE_STORAGE_ENDPOINT": f"{address}/{AZURE_ACCOUNT}",
        "AZURE_ALLOW_HTTP": "true",
        "AZURE_STORAGE_ACCOUNT_NAME": AZURE_ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY,
    }


def _ask_s3(address: str, method: str, path: str, query: Mapping[str, str], content: bytes | None) -> bytes:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(content or b"").hexdigest()
    named = {"host": urlsplit(address).netloc, "x-amz-content-sha256": digest, "x-amz-date": now}
    names, scope = ";".join(named), f"{now[:8]}/us-east-1/s3/aws4_request"
    lines = [method, f"/{quote(path)}", _query(dict(sorted(query.items())))]
    lines += [*(f"{name}:{value}" for name, value in named.items()), "", names, digest]
    request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{request}"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signed = f"AWS4-HMAC-SHA256 Credential=AKIATEST/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    headers = {**named, "Authorization": signed, "Content-Type": "application/octet-stream"}
    return send(method, _url(address, path, query), content, headers)


def _ask_gcs(address: str, method: str, path: str, query: Mapping[str, str], content: bytes | None) -> bytes:
    return send(method, _url(address, path, query), content, _GCS_HEADERS)


def _ask_azure(address: str, method: str, path: str, query: Mapping[str, str], content: bytes | None) -> bytes:
    named = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _AZURE_VERSION}
    if method == "PUT" and not query:
        named["x-ms-blob-type"] = "BlockBlob"
    if query.get("comp") == "acl":
        named["x-ms-blob-public-access"] = "container"
    length = str(len(content)) if content else ""
    kind = "" if content is None else "application/octet-stream"
    lines = [method, "", "", length, "", kind, "", "", "", "", "", ""]
    lines += [f"{name}:{named[name]}" for name in sorted(named)]
    lines += [f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}/{quote(path)}", *(f"{name}:{query[name]}" for name in sorted(query))]
    digest = hmac.new(base64.b64decode(AZURE_KEY), "\n".join(lines).encode(), hashlib.sha256).digest()
    headers = {**named, "Authorization": f"SharedKey {AZURE_ACCOUNT}:{base64.b64encode(digest).decode()}"}
    if kind:
        headers["Content-Type"] = kind
    return send(method, _url(f"{address}/{AZURE_ACCOUNT}", path, query), content, headers)


#: What a shared access signature may: read, add, create, write, delete, list.
_AZURE_RIGHTS: Final = {
    "no-list": "r",
    "no-get": "l",
    "no-write": "rl",
    "no-delete": "racwl",
    "expired": "racwdl",
    "unknown": "racwdl",
    "forged": "racwdl",
}


def _azure_limited(who: str) -> Mapping[str, str]:
    start, end = ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z" if who == "expired" else "2100-01-01T00:00:00Z")
    rights = _AZURE_RIGHTS[who]
    resource = f"/blob/{AZURE_ACCOUNT}/{BUCKET}"
    lines = [rights, start, end, resource, "", "", "", _AZURE_VERSION, "c", "", "", "", "", "", "", ""]
    key = b"another" if who in ("unknown", "forged") else base64.b64decode(AZURE_KEY)
    digest = hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()
    given = {"sv": _AZURE_VERSION, "st": start, "se": end, "sr": "c", "sp": rights}
    signed = urlencode({**given, "sig": base64.b64encode(digest).decode()})
    return {"AZURE_STORAGE_ACCOUNT_KEY": "", "AZURE_STORAGE_SAS_TOKEN": signed}


def _url(address: str, path: str, query: Mapping[str, str]) -> str:
    return f"{address}/{quote(path)}" + (f"?{_query(query)}" if query else "")


def _query(query: Mapping[str, str]) -> str:
    return urlencode(query, quote_via=quote)


def _make(ask: Ask, address: str, name: str) -> object:
    return ask(address, "PUT", name, {}, b"")


def _publish_s3(ask: Ask, address: str, name: str) -> object:
    resources = f'"arn:aws:s3:::{name}","arn:aws:s3:::{name}/*"'
    allowed = f'{{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":[{resources}]}}'
    return ask(address, "PUT", name, {"policy": ""}, f'{{"Version":"2012-10-17","Statement":[{allowed}]}}'.encode())


def _nothing_to_do(ask: Ask, address: str, name: str) -> object:
    return None


_KEY: Final = re.compile(rb"<Contents>.*?<Key>(.*?)</Key>", re.DOTALL)
_NEXT: Final = (re.compile(rb"<NextContinuationToken>(.+?)</NextContinuationToken>"), "continuation-token")
S3: Final = Kind(
    name="s3",
    server=os.environ.get("SEAMLINE_S3", "moto_s3"),
    url=lambda bucket, prefix: f"s3://{bucket}/{prefix}",
    variables=s3_variables,
    limited=lambda who: {"AWS_ACCESS_KEY_ID": f"AKIA-{who}"},
    secrets=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    anonymous="AWS_SKIP_SIGNATURE",
    ask=_ask_s3,
    make=_make,
    publish=_publish_s3,
    page={"list-type": "2"},
    keys=_KEY,
    more=_NEXT,
)
GCS: Final = Kind(
    name="gs",
    server="gcs_xml",
    url=lambda bucket, prefix: f"gs://{bucket}/{prefix}",
    variables=gcs_variables,
    limited=lambda who: {"GOOGLE_BEARER_TOKEN": who},
    secrets=("GOOGLE_BEARER_TOKEN",),
    anonymous="GOOGLE_SKIP_SIGNATURE",
    ask=_ask_gcs,
    make=_make,
    publish=_nothing_to_do,
    page={"list-type": "2"},
    keys=_KEY,
    more=_NEXT,
)
AZURE: Final = Kind(
    name="azure",
    server="azurite",
    url=lambda bucket, prefix: f"abfss://{bucket}@{AZURE_ACCOUNT}.dfs.core.windows.net/{prefix}",
    variables=azure_variables,
    limited=_azure_limited,
    secrets=("AZURE_STORAGE_ACCOUNT_KEY",),
    anonymous="AZURE_SKIP_SIGNATURE",
    ask=_ask_azure,
    make=lambda ask, address, name: ask(address, "PUT", name, {"restype": "container"}, b""),
    publish=lambda ask, address, name: ask(address, "PUT", name, {"restype": "container", "comp": "acl"}, b""),
    page={"restype": "container", "comp": "list"},
    keys=re.compile(rb"<Blob><Name>(.*?)</Name>", re.DOTALL),
    more=(re.compile(rb"<NextMarker>(.+?)</NextMarker>"), "marker"),
)
KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in (S3, GCS, AZURE)}

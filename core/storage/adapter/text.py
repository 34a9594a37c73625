"""A stock command adapter for a store that Seamline reaches by itself, so that both speak of one place.

The variables say where, the commands (`core.storage.adapter.commands`) say how; no secret is in the text, for the
provider's own tool finds its credentials as it does elsewhere. `core.storage.adapter.place` reads it back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from core.errors import Refused, UsageError
from core.gzips import GZIP_MAGIC
from core.invocation import STOCK_PROGRAM
from core.phrases import shown
from core.storage import folder_of, is_command_adapter, is_object_location
from core.storage.adapter.commands import Tool, commands_for
from core.storage.adapter.spelling import configuration
from core.storage.objects.location import Location, Provider, parse_location
from core.storage.protocol import HandleUnreadable, ListedKind, StoreReader

_TOOLS: Final[Mapping[Provider, Tool]] = {
    Provider.S3: Tool.AWS,
    Provider.GCS: Tool.GSUTIL,
    Provider.AZURE: Tool.AZ,
}
#: What gsutil takes for a pattern, wherever it stands.
_PATTERNS: Final = frozenset("*?[]#")
_LOOKED_AT: Final = 64
_HEADER: Final = """\
# A command adapter for the stock tool, by Seamline: {stock} ... --command-adapter-config THIS_FILE
# {needs}
# No file of metadata/ is ever replaced, and an empty listing is an error: a new store needs a first file there.
# lease_store tells Seamline where it reaches the same place without these commands; stock ignores it.
"""
_NEEDS: Final[Mapping[Tool, str]] = {
    Tool.FOLDER: "It needs bash, find, sed, grep, cmp and gzip, and a file system with hard links.",
    Tool.AWS: "It needs the AWS command line of late 2024 or newer (put-object --if-none-match), and its credentials.",
    Tool.GSUTIL: "It needs gsutil, of the Google Cloud SDK, and its credentials.",
    Tool.AZ: "It needs the Azure command line, 2.39 or newer, and its credentials (such as AZURE_STORAGE_SAS_TOKEN).",
}


def adapter_text(location: str, *, zipped: bool) -> str:
    """The YAML for the store at a native location whose files are gzip, or plain.

    Raises `UsageError` for what is no native location, and `Refused` for one that the provider's tool can't be given.
    """
    tool, variables = _place(location)
    commands = dict(commands_for(tool, zipped=zipped).by_name())
    body = configuration(variables, commands, {"seamline": {"lease_store": _native(location)}})
    return _HEADER.replace("{stock}", STOCK_PROGRAM).replace("{needs}", _NEEDS[tool]) + body


def holds_gzip(reader: StoreReader) -> bool:
    """Whether the first readable file of `metadata/` is gzip. Raises `StoreUnreachable`, `UsageError` if none is."""
    files = [each for each in reader.list_folder("metadata") if each.kind is ListedKind.FILE]
    for file in files[:_LOOKED_AT]:
        try:
            with reader.open(file.handle) as stream:
                start = stream.read(len(GZIP_MAGIC))
        except HandleUnreadable:
            continue
        if start:
            return start == GZIP_MAGIC
    raise UsageError(
        f"nothing in metadata/ of {shown(reader.location)} tells whether its files are gzip",
        hint="say how stock shall write them: --gzip or --plain",
    )


def url_of(place: Location) -> str:
    """A store in a bucket as its shortest location, which `parse_location` takes for the same place."""
    path = f"/{place.prefix}" if place.prefix else ""
    if place.provider is not Provider.AZURE:
        return f"{place.provider}://{place.bucket}{path}"
    if set(path) & {"?", "#"}:
        return f"https://{place.account}.blob.core.windows.net/{place.bucket}{quote(path)}"
    return f"abfss://{place.bucket}@{place.account}.dfs.core.windows.net{path}"


def _native(location: str) -> str:
    return url_of(parse_location(location)) if is_object_location(location) else _folder(location)


def _place(location: str) -> tuple[Tool, Mapping[str, str]]:
    """The tool for a location, and its variables."""
    if not is_object_location(location):
        if is_command_adapter(location):
            raise UsageError(f"{shown(location)} is a command adapter already", hint="name a folder or a bucket")
        return Tool.FOLDER, {"FOLDER": _folder(location)}
    place = parse_location(location)
    tool = _TOOLS[place.provider]
    if tool is Tool.GSUTIL and set(place.prefix) & _PATTERNS:
        raise Refused(
            "adapter-argument-splitting",
            f"gsutil would take the prefix {shown(place.prefix)!r} for a pattern, so no command adapter can be made",
            hint="a prefix without any of * ? [ ] # is needed; Seamline itself works on this one",
        )
    if tool is Tool.AZ:
        return tool, {"ACCOUNT": place.account, "CONTAINER": place.bucket, "PREFIX": place.prefix}
    return tool, {"BUCKET": place.bucket, "PREFIX": place.prefix}


def _folder(location: str) -> str:
    path = os.path.realpath(folder_of(location))
    if any("\ud800" <= char <= "\udfff" for char in path):
        raise UsageError(f"{shown(path)} is not UTF-8: no adapter configuration can name it", hint="rename the folder")
    return path

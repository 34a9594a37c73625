"""Where a stock command adapter leads: its configuration read back into a native location, nothing of it run.

Configurations by Seamline are known by their commands. Of others, the published samples among them, the commands that
read and list are read as far as their words go: `s3://$BUCKET/$SUB_DIR/$FILE_HANDLE` and the like, with the file's own
variables put in. What stands behind the handle (an access signature) is no part of a place and never taken.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from core.errors import SeamlineError, UsageError
from core.phrases import shown
from core.storage import identity_of, is_object_location
from core.storage.adapter.commands import Tool, commands_for
from core.storage.adapter.text import url_of
from core.storage.command.config import CommandConfig, load_config
from core.storage.objects.location import Location, Provider, parse_location

#: Stands for the handle that a command is given; in no value that a YAML file can hold.
_HANDLE: Final = "\0"
_PARAMETER: Final = "FILE_HANDLE"
_VARIABLE_RE: Final = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::([-+])([^{}]*))?\})")
_MOST_WORDS: Final = 1_000
_READ_RE: Final = re.compile(rf"((?:s3|gs|https)://[^{_HANDLE}]+|/[^{_HANDLE}]*?)/+{_HANDLE}.*", re.DOTALL)
_LIST_RE: Final = re.compile(r"((?:s3|gs|https)://.+?|/.+?)/+metadata(?:/.*)?", re.DOTALL)


def place_of(path: str) -> str:
    """The native location of the place that a configuration file leads to: a URL, or a folder.

    Raises `UsageError` where that can't be told, or is told in two ways.
    """
    config = load_config(path)
    found = _of_ours(config) or _of_words(config)
    if any(unicodedata.category(char) == "Cc" for char in found or config.lease_store or ""):
        raise UsageError(f"the place that {shown(path)} leads to has a control character in it", hint="rename it")
    if found is None and config.lease_store is None:
        raise UsageError(
            f"the commands of {shown(path)} don't tell where they lead, for a reader that runs none of them",
            hint="name the place yourself, as a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or "
            "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX; or write it into the file: "
            "seamline: {lease_store: URL}",
        )
    if found is None:
        return _canonical(config.lease_store or "")
    if config.lease_store is not None and identity_of(config.lease_store) != identity_of(found):
        raise UsageError(
            f"{shown(path)} names two places: its commands lead to {shown(found)}, its lease_store to "
            f"{shown(config.lease_store)}",
            hint="correct one of them: the lease must lie where the store is",
        )
    return found


def _canonical(location: str) -> str:
    return url_of(parse_location(location)) if is_object_location(location) else location


def _of_ours(config: CommandConfig) -> str | None:
    """The place of a configuration whose commands are Seamline's own."""
    given = {name: getattr(config, name) for name in commands_for(Tool.FOLDER, zipped=False).by_name()}
    for tool, spell in _SPELLINGS.items():
        if any(commands_for(tool, zipped=zipped).by_name() == given for zipped in (True, False)):
            try:
                return spell(config.env_vars)
            except KeyError:
                return None
    return None


def _spelled_folder(variables: Mapping[str, str]) -> str:
    return variables["FOLDER"]


def _spelled_s3(variables: Mapping[str, str]) -> str:
    return _canonical(url_of(Location(Provider.S3, variables["BUCKET"], variables["PREFIX"], "")))


def _spelled_gcs(variables: Mapping[str, str]) -> str:
    return _canonical(url_of(Location(Provider.GCS, variables["BUCKET"], variables["PREFIX"], "")))


def _spelled_azure(variables: Mapping[str, str]) -> str:
    account = variables["ACCOUNT"]
    return _canonical(url_of(Location(Provider.AZURE, variables["CONTAINER"], variables["PREFIX"], "", account)))


_SPELLINGS: Final = {
    Tool.FOLDER: _spelled_folder,
    Tool.AWS: _spelled_s3,
    Tool.GSUTIL: _spelled_gcs,
    Tool.AZ: _spelled_azure,
}


def _of_words(config: CommandConfig) -> str | None:
    """The one place that the words of the reading commands name; None for none, or for several."""
    read = set(_places(config.open_for_read, config.env_vars, _READ_RE))
    named = set(_places(config.list_metadata_files, config.env_vars, _LIST_RE))
    return next(iter(read)) if len(read) == 1 and (not named or named == read) else None


def _places(text: str, variables: Mapping[str, str], pattern: re.Pattern[str]) -> Iterator[str]:
    for word in _words(text):
        match = pattern.fullmatch(_expanded(word, variables))
        if match:
            try:
                yield _canonical(match[1])
            except SeamlineError:
                continue


def _words(text: str) -> list[str]:
    """The words of a command, their quotes taken off; none if they can't be told apart."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = [word for word, _ in zip(lexer, range(_MOST_WORDS), strict=False)]
    except ValueError:
        return []
    return words


def _expanded(word: str, variables: Mapping[str, str]) -> str:
    """A word with the values put in; a name without a value ends it: nothing is read out of what is not known."""
    whole, at = "", 0
    for match in _VARIABLE_RE.finditer(word):
        whole += word[at : match.start()]
        at = match.end()
        name, otherwise = match[1] or match[2], match[4]
        value = _HANDLE if name == _PARAMETER else variables.get(name)
        if match[3] == "+" and otherwise is not None:
            value = _expanded(otherwise, variables) if value else ""
        elif match[3] == "-" and otherwise is not None:
            value = value or otherwise
        if value is None:
            return whole
        whole += value
    return whole + word[at:]

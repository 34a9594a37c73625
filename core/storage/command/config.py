"""Stock's command adapter configuration: a YAML file of environment variables and of commands for bash.

Read as stock reads it (`format.md`, "Command adapter configuration"): every scalar is the text that stands there,
unknown keys are ignored. One key that stock does not know is ours: `seamline`, with where the lease lies, and whether
commands that read text as code are wanted (`accept_code`). Nothing in the file makes an object or a tag mean anything.
The values of its variables may be secrets: they are in no message, and in no `repr`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final

import yaml

from core.errors import UsageError
from core.phrases import shown

#: `hazards.md`, `own-bounded-memory`: real ones take two kilobytes.
MAX_CONFIG_BYTES: Final = 256 << 10
_NEEDED: Final = ("create_backup", "create_for_write", "open_for_read", "save_metadata_line", "list_metadata_files")
_OPTIONAL: Final = "backup_metadata_file"
_OURS: Final = "seamline"
_LEASE_STORE: Final = "lease_store"
_ACCEPT_CODE: Final = "accept_code"
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
#: Shorter values are parts of words; taken out of a message they would leave nothing of it.
_SHORTEST_SECRET: Final = 4
_QUERY_RE: Final = re.compile(r"\?[^\s'\"]*=[^\s'\"]*")
#: What the names of variables that hold keys have in them; and what a signed URL has.
_KEY_RE: Final = re.compile(r"(?i)sas|token|secret|key|pass|cred|sig=")


@dataclass(frozen=True, slots=True)
class CommandConfig:
    """One configuration: the variables, in order, and what bash is to run for each purpose.

    `lease_store` is the location by which the same place is reached without commands, if the file names one;
    `accept_code` says that the operator insists on commands that read text as code (`hazards.md`, `own-shell-values`).
    """

    env_vars: Mapping[str, str] = field(repr=False)
    create_backup: str
    create_for_write: str
    open_for_read: str
    save_metadata_line: str
    list_metadata_files: str
    backup_metadata_file: str | None = None
    lease_store: str | None = None
    accept_code: bool = False

    def without_secrets(self, text: str) -> str:
        """A text that a command wrote, without the values of variables and what URLs carry behind a question mark."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return _QUERY_RE.sub("?***", text)

    def place(self) -> str:
        """A digest of where the commands lead to, 32 hex digits: of the listing and the variables.

        Left out are variables that look like keys or tokens: they change while the place stays the same, and so may
        the other commands, when they are mended.
        """
        lasting = {key: value for key, value in self.env_vars.items() if not _KEY_RE.search(key + value)}
        return blake2b(repr((sorted(lasting.items()), self.list_metadata_files)).encode(), digest_size=16).hexdigest()

    def _secrets(self) -> set[str]:
        values = (line for value in self.env_vars.values() for line in (value, *value.splitlines()))
        return {value for value in values if len(value) >= _SHORTEST_SECRET}


def load_config(path: str) -> CommandConfig:
    """The configuration in a file. Raises `UsageError` for one that stock could not use either."""
    try:
        # Anything but a plain file could wait for ever.
        if not Path(path).is_file():
            raise _refusal(path, "it is not a plain file" if Path(path).exists() else "there is no such file")
        with Path(path).open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no file can have its name"
        raise _refusal(path, f"it can't be read: {why}") from error
    if len(data) > MAX_CONFIG_BYTES:
        raise _refusal(path, f"it is larger than the {MAX_CONFIG_BYTES:,} bytes that are read of one")
    try:
        return parse_config(data)
    except ConfigRefused as refused:
        raise _refusal(path, str(refused)) from None


class ConfigRefused(ValueError):
    """A text is no command adapter configuration; says why."""


def parse_config(data: bytes) -> CommandConfig:
    """The configuration that a YAML text spells out. Raises `ConfigRefused`."""
    top = _fields(_composed(data), "it")
    commands = _fields(_wanted(top, "commands", "it"), "commands")
    needed = {name: _command(_wanted(commands, name, "commands"), name) for name in _NEEDED}
    backup = commands.get(_OPTIONAL)
    moves = None if backup is None or _is_null(backup) else _command(backup, _OPTIONAL)
    ours = _ours(top.get(_OURS))
    return CommandConfig(
        dict(_variables(top.get("env_vars"))),
        **needed,
        backup_metadata_file=moves,
        lease_store=_lease_store(ours),
        accept_code=_accept_code(ours),
    )


def _refusal(path: str, why: str) -> UsageError:
    return UsageError(
        f"{shown(path)!r} is no command adapter configuration: {why}",
        hint="name the YAML file that the stock tool takes as --command-adapter-config, or the store's folder",
    )


def _composed(data: bytes) -> yaml.Node:
    """The one document in a YAML text, as nodes: nothing is made of them."""
    try:
        node = yaml.compose(data.decode(), Loader=yaml.BaseLoader)
    except UnicodeDecodeError:
        raise ConfigRefused("it is not UTF-8") from None
    except RecursionError:
        raise ConfigRefused("it is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = "" if mark is None else f" (line {mark.line + 1})"
        raise ConfigRefused(f"it is not YAML: {error.problem or error.context}{where}") from None
    except yaml.YAMLError:
        raise ConfigRefused("it is not YAML: it holds a character that YAML forbids") from None
    if node is None:
        raise ConfigRefused("it is empty")
    return node


def _fields(node: yaml.Node, what: str) -> dict[str, yaml.Node]:
    """The values of a mapping by their keys; a key may stand there once."""
    if not isinstance(node, yaml.MappingNode):
        raise ConfigRefused(f"{what} is not a list of names and values{_line(node)}")
    fields: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigRefused(f"{what} has a key that is no word{_line(key)}")
        if key.value in fields:
            raise ConfigRefused(f"{shown(key.value)} stands there twice{_line(key)}")
        fields[key.value] = value
    return fields


def _wanted(fields: Mapping[str, yaml.Node], name: str, where: str) -> yaml.Node:
    if name not in fields:
        raise ConfigRefused(f"{where} has no {name}")
    return fields[name]


def _text(node: yaml.Node, what: str) -> str:
    """The text of a scalar, whatever type another reader of YAML would take it for."""
    if not isinstance(node, yaml.ScalarNode):
        raise ConfigRefused(f"{what} is no text{_line(node)}")
    if "\0" in node.value or any("\ud800" <= char <= "\udfff" for char in node.value):
        raise ConfigRefused(f"{what} holds a character that no program can be given{_line(node)}")
    text: str = node.value
    return text


def _command(node: yaml.Node, name: str) -> str:
    text = _text(node, name)
    if not text.strip():
        raise ConfigRefused(f"{name} is empty{_line(node)}")
    return text


def _ours(node: yaml.Node | None) -> Mapping[str, yaml.Node]:
    """What our own key says; it is nobody else's, so that a slip of the pen in it is told."""
    if node is None:
        return {}
    fields = _fields(node, _OURS)
    odd = next((name for name in fields if name not in (_LEASE_STORE, _ACCEPT_CODE)), None)
    if odd is not None:
        knows = f"{_LEASE_STORE} and {_ACCEPT_CODE} alone"
        raise ConfigRefused(f"{_OURS} has {shown(odd)!r}, and knows {knows}{_line(node)}")
    if not fields:
        raise ConfigRefused(f"{_OURS} has no {_LEASE_STORE}")
    return fields


def _accept_code(ours: Mapping[str, yaml.Node]) -> bool:
    if _ACCEPT_CODE not in ours:
        return False
    text = _text(ours[_ACCEPT_CODE], f"{_ACCEPT_CODE} of {_OURS}")
    if text not in ("true", "false"):
        raise ConfigRefused(f"{_ACCEPT_CODE} of {_OURS} is neither true nor false{_line(ours[_ACCEPT_CODE])}")
    return text == "true"


def _lease_store(ours: Mapping[str, yaml.Node]) -> str | None:
    if _LEASE_STORE not in ours:
        return None
    value = ours[_LEASE_STORE]
    location = _text(value, f"{_LEASE_STORE} of {_OURS}")
    if _is_null(value) or not location.strip():
        raise ConfigRefused(f"{_LEASE_STORE} of {_OURS} is empty{_line(value)}")
    return location


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULLS


def _variables(node: yaml.Node | None) -> Iterator[tuple[str, str]]:
    """Names and values in order; of equal names the last one counts, as for stock."""
    if node is None or _is_null(node):
        return
    if not isinstance(node, yaml.SequenceNode):
        raise ConfigRefused(f"env_vars is not a list{_line(node)}")
    items: Iterable[yaml.Node] = node.value
    for item in items:
        fields = _fields(item, "an item of env_vars")
        key = _text(_wanted(fields, "key", "an item of env_vars"), "a key of env_vars")
        if not key or "=" in key:
            raise ConfigRefused(f"{shown(key)!r} can't be the name of a variable{_line(item)}")
        yield key, _text(_wanted(fields, "value", "an item of env_vars"), f"the value of {shown(key)}")


def _line(node: yaml.Node) -> str:
    return f" (line {node.start_mark.line + 1})"

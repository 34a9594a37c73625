"""Where an overlay gets everything that it does not hold itself: a folder, or commands that reach the store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from core.errors import UsageError
from core.form import Form, forms_of
from core.index import Index
from core.storage import folder_of, is_command_adapter, is_object_location

if TYPE_CHECKING:
    from core.storage.command.config import CommandConfig

#: What stock is given, in the overlay's folder.
ADAPTER_NAME: Final = "adapter.yaml"
_PREFIX: Final = "SEAMLINE_OVERLAY"
_FROM_FOLDER: Final = """case "/$FILE_HANDLE/" in
  //*|*/../*) printf 'seamline overlay: not a handle of this store: %q\\n' "$FILE_HANDLE" >&2; exit 1 ;;
esac
"""


@dataclass(frozen=True, slots=True)
class FolderOrigin:
    """A store in a folder, by its absolute path. `zipped`: its files are gzip, as a command adapter once wrote them."""

    path: str
    zipped: bool

    prefix: ClassVar[str] = _PREFIX
    private: ClassVar[bool] = False

    @property
    def variables(self) -> Mapping[str, str]:
        """What the command needs to know."""
        return {f"{self.prefix}_STORE": self.path}

    @property
    def open_for_read(self) -> str:
        """The command that prints `$FILE_HANDLE` as stock would read it."""
        file = f'"${self.prefix}_STORE/$FILE_HANDLE"'
        return _FROM_FOLDER + (f"exec gzip -cd < {file}" if self.zipped else f"exec cat -- {file}")


@dataclass(frozen=True, slots=True)
class CommandOrigin:
    """A store behind a command adapter, or a bucket through the provider's own tool.

    `prefix` begins no name that the configuration uses; `private` is one that may hold secrets.
    """

    config: CommandConfig = field(repr=False)
    prefix: str
    private: bool

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of the configuration, secrets among them."""
        return self.config.env_vars

    @property
    def open_for_read(self) -> str:
        """The configuration's own command, as it is."""
        return self.config.open_for_read


Origin: TypeAlias = FolderOrigin | CommandOrigin


def origin_of(location: str, index: Index) -> Origin:
    """How the store that an operator named is read on.

    Raises `UsageError` for a place that YAML can't spell, `Refused` for one that the provider's tool can't be given.
    """
    if is_object_location(location):
        # Only such a store needs the commands of its provider, and a reader of YAML.
        from core.storage.adapter.text import adapter_text
        from core.storage.command.config import parse_config

        config = parse_config(adapter_text(location, zipped=_is_zipped(index)).encode())
        return CommandOrigin(config, _free_prefix(config), private=False)
    if is_command_adapter(location):
        # Only such a store needs a reader of YAML to be planned for.
        from core.storage.command.config import load_config

        config = load_config(folder_of(location))
        return CommandOrigin(config, _free_prefix(config), private=True)
    return FolderOrigin(spelled(os.path.realpath(folder_of(location))), _is_zipped(index))


def _is_zipped(index: Index) -> bool:
    return forms_of(index).only is Form.GZIP


def spelled(path: str) -> str:
    """The same path. Raises `UsageError` for one that is not UTF-8, which no adapter configuration can name."""
    if any("\ud800" <= char <= "\udfff" for char in path):
        raise UsageError(f"{path!r} is not UTF-8: no adapter configuration can name it", hint="rename the folder")
    return path


def _free_prefix(config: CommandConfig) -> str:
    """What our variables begin with, so that none of them is one of the configuration's (of another overlay, say)."""
    used = [*config.env_vars, config.open_for_read]
    prefixes = (f"{_PREFIX}{number or ''}" for number in count())
    return next(prefix for prefix in prefixes if not any(f"{prefix}_" in text for text in used))

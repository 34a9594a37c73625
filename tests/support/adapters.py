"""Command adapter stores in a folder, and their commands run as the stock tool runs them."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

#: What stock puts before every command (`format.md`, "Command adapter configuration").
STOCK_PRELUDE = "set -o nounset -o errexit -o pipefail; "

LIST = "cd -- \"$STORE_DIR\" && printf '%s\\n' metadata/*"
READ = 'cat -- "$STORE_DIR/$FILE_HANDLE"'
#: The commands that write, for a folder.
WRITING = {
    "create_backup": 'mkdir -p -- "$STORE_DIR/$BACKUP_NAME" && echo "$BACKUP_NAME"',
    "create_for_write": 'echo "$BACKUP_HANDLE/$FILE_NAME"; exec 1>&-; cat > "$STORE_DIR/$BACKUP_HANDLE/$FILE_NAME"',
    "save_metadata_line": 'echo "metadata/$FILE_NAME"; exec 1>&-; cat > "$STORE_DIR/metadata/$FILE_NAME"',
    "backup_metadata_file": (
        'mkdir -p -- "$STORE_DIR/metadata_backup" && '
        'mv -f -- "$STORE_DIR/metadata/$FILE_NAME" "$STORE_DIR/metadata_backup/$FILE_NAME"'
    ),
}
INFLATE = 'gzip -cd < "$STORE_DIR/$FILE_HANDLE"'


def adapter_text(variables: Mapping[str, str], **commands: str) -> str:
    """A configuration; every command that is not given fails."""
    names = ("create_backup", "create_for_write", "open_for_read", "save_metadata_line", "list_metadata_files")
    given = {**dict.fromkeys(names, "exit 70"), **commands}
    env_vars = [{"key": key, "value": value} for key, value in variables.items()]
    return yaml.safe_dump({"env_vars": env_vars, "commands": given})


def write_adapter(
    path: Path, store: Path, *, listing: str = LIST, read: str = READ, variables: Mapping[str, str] | None = None
) -> str:
    """A configuration file for the store in a folder; its path."""
    known = {"STORE_DIR": str(store), **(variables or {})}
    path.write_text(adapter_text(known, list_metadata_files=listing, open_for_read=read), encoding="utf-8")
    return str(path)


def write_whole_adapter(
    path: Path, store: Path, *, lease_store: str | None = None, before: str = "", **commands: str
) -> str:
    """A configuration that can do everything, for the store in a folder; `before` is put before each command."""
    given = {"list_metadata_files": LIST, "open_for_read": READ, **WRITING, **commands}
    text = adapter_text({"STORE_DIR": str(store)}, **{name: before + command for name, command in given.items()})
    if lease_store is not None:
        text += yaml.safe_dump({"seamline": {"lease_store": lease_store}})
    path.write_text(text, encoding="utf-8")
    return str(path)


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    output: bytes
    messages: str


@dataclass(frozen=True)
class StockAdapter:
    """An adapter configuration in the hands of the stock tool: read by a YAML library, run by bash."""

    path: str
    elsewhere: Path
    config: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", yaml.safe_load(Path(self.path).read_text(encoding="utf-8")))

    def run(self, command: str, content: bytes = b"", **parameters: str) -> Ran:
        """Run one of the six commands, from a working directory that has nothing to do with the store."""
        variables = {each["key"]: each["value"] for each in self.config["env_vars"]}
        done = subprocess.run(
            ["bash", "-c", STOCK_PRELUDE + self.config["commands"][command]],
            input=content,
            capture_output=True,
            env={**os.environ, **variables, **parameters},
            cwd=self.elsewhere,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def read(self, handle: str) -> Ran:
        """Read a file as stock reads it."""
        return self.run("open_for_read", FILE_HANDLE=handle)

    def listed(self) -> list[str]:
        """The metadata files as stock lists them."""
        ran = self.run("list_metadata_files")
        assert ran.code == 0, ran.messages
        return ran.output.decode().splitlines()


def has_ended(pid: int) -> bool:
    """Whether a process ends within ten seconds; one that nobody has asked for its exit code counts as ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10.0)[0])
    finally:
        os.close(descriptor)

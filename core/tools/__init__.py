"""How an operator looks at a store, and moves its files, with what is at hand where it lies: commands ready to paste.

Findings and refusals end in such commands. A folder has the tools of every machine, a bucket its provider's own; a
command adapter has commands that only its configuration knows, so there a sentence says which one to run by hand.
Every word of a command is quoted, nothing of it is ever run by us, and no move replaces what has the name already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.phrases import command, quoted, shown
from core.storage import is_command_adapter, is_object_location
from core.storage.objects.location import parse_location
from core.tools.buckets import bucket_tools

__all__ = ["Tools", "is_by_hand", "then", "tools_for"]


class Tools(Protocol):
    """What is advised for one kind of place; every method gives a command, or a sentence where there is none."""

    @property
    def storage(self) -> tuple[str, ...]:
        """The words that tell stock of the place."""

    def path(self, handle: str) -> str:
        """Where a handle lies, as the operator names the place; not quoted."""

    def listing(self, folder: str) -> str:
        """List a folder ("" for the top) with times and sizes."""

    def dated(self, handle: str) -> str:
        """Show when a file was written, to the second."""

    def look_at(self, handle: str, line: int) -> str:
        """Show a file, or one line of it (from 1), with nothing in it that a terminal would obey."""

    def set_aside(self, handles: Sequence[str], folder: str) -> str:
        """Move files into a folder of the store, which may not be there yet."""

    def folders_aside(self, handles: Sequence[str], folder: str) -> str:
        """Move folders into a folder of the store; where a folder is nothing that moves, list what makes it one."""

    def bring_back(self, handles: Sequence[str], folder: str) -> str:
        """Move files into a folder of the store that is there."""

    def mounted_at(self, folders: Sequence[str]) -> str:
        """Show on which file systems folders lie; "" where there are none."""

    def difference(self, one: str, other: str) -> str:
        """Show where two files differ."""

    def put_line(self, line: str, name: str, *, zipped: bool) -> str:
        """Make the metadata file `name` of one line, as gzip or plain."""


def tools_for(location: str) -> Tools:
    """The tools for the place that an operator named."""
    if is_object_location(location):
        return bucket_tools(parse_location(location))
    return AdapterTools(location) if is_command_adapter(location) else FolderTools(location)


def then(*steps: str) -> str:
    """One step after the other; those that are empty are none."""
    there = [step for step in steps if step]
    return (", then " if any(map(is_by_hand, there)) else " && ").join(there)


def is_by_hand(step: str) -> bool:
    """Whether a step is a sentence, no command."""
    return step.startswith(_BY_HAND)


_BY_HAND = ("run ", "move ", "compare ", "write ", "look ")


@dataclass(frozen=True, slots=True)
class FolderTools:
    """A folder of this machine, under the name that the operator gave it."""

    location: str

    @property
    def storage(self) -> tuple[str, ...]:
        """The folder itself."""
        return ("--local-fs-dir", self.location)

    def path(self, handle: str) -> str:
        """A path."""
        return f"{self.location.rstrip('/')}/{handle}"

    def listing(self, folder: str) -> str:
        """With odd names spelled out."""
        return command("ls", "-lab", "--", self.path(folder))

    def dated(self, handle: str) -> str:
        """As ls tells it."""
        return command("ls", "-l", "--full-time", "--", self.path(handle))

    def look_at(self, handle: str, line: int) -> str:
        """Through cat -v."""
        show = command("sed", "-n", f"{line}p", "--", self.path(handle)) if line else ""
        return f"{show} | cat -v" if line else command("cat", "-v", "--", self.path(handle))

    def set_aside(self, handles: Sequence[str], folder: str) -> str:
        """A file that has the name already keeps it, and the other stays where it was."""
        target = self.path(folder)
        make = command("mkdir", "-p", "--", target)
        return f"{make} && {command('mv', '-n', '--', *map(self.path, handles), f'{target}/')}"

    def folders_aside(self, handles: Sequence[str], folder: str) -> str:
        """As files."""
        return self.set_aside(handles, folder)

    def bring_back(self, handles: Sequence[str], folder: str) -> str:
        """Each appears whole or not at all."""
        return command("mv", "-n", "--", *map(self.path, handles), f"{self.path(folder)}/")

    def mounted_at(self, folders: Sequence[str]) -> str:
        """As df tells it."""
        return command("df", "--", *map(self.path, folders))

    def difference(self, one: str, other: str) -> str:
        """As diff tells it."""
        return command("diff", self.path(one), self.path(other))

    def put_line(self, line: str, name: str, *, zipped: bool) -> str:
        """Outside of metadata/ first, since stock reads whatever lies in there."""
        draft = self.path(f"{name}.draft")
        write = command("printf", "%s\\n", line) + (" | gzip -nc" if zipped else "")
        return f"{write} > {quoted(draft)} && {command('mv', '-n', '--', draft, self.path(f'metadata/{name}'))}"


@dataclass(frozen=True, slots=True)
class AdapterTools:
    """A command adapter, by the path of its configuration: what its commands are made of is not for us to say."""

    location: str

    @property
    def storage(self) -> tuple[str, ...]:
        """The configuration itself."""
        return ("--command-adapter-config", self.location)

    def path(self, handle: str) -> str:
        """The handle: only the configuration knows where that is."""
        return handle

    def listing(self, folder: str) -> str:
        """Only metadata/ can be listed."""
        if folder == "metadata":
            return f"run list_metadata_files of {self._name} by hand, without `||:`"
        return f"look at {folder or 'the top of the store'} with the storage's own tool: {self._name} can't list it"

    def dated(self, handle: str) -> str:
        """Adapters know no times."""
        return f"look at the time of {shown(handle)} with the storage's own tool"

    def look_at(self, handle: str, line: int) -> str:
        """One file can be read."""
        where = f", and look at line {line}" if line else ""
        return f"run open_for_read of {self._name} by hand with FILE_HANDLE={quoted(handle)}{where}"

    def set_aside(self, handles: Sequence[str], folder: str) -> str:
        """The one command that moves leads to metadata_backup/."""
        return f"move {self._named(handles)} into {folder}/ with the storage's own tool, replacing nothing"

    def folders_aside(self, handles: Sequence[str], folder: str) -> str:
        """What a listing prints as a folder may be the very metadata/: never to be moved, but not to be listed."""
        return (
            f"look for {self._named(handles)} with the storage's own tool: an empty object of such a name may go, and "
            f"list_metadata_files of {self._name} has to leave folders out"
        )

    def bring_back(self, handles: Sequence[str], folder: str) -> str:
        """No command moves back."""
        return f"move {self._named(handles)} into {folder}/ with the storage's own tool, replacing nothing"

    def mounted_at(self, folders: Sequence[str]) -> str:
        """Nothing is mounted."""
        return ""

    def difference(self, one: str, other: str) -> str:
        """Both can be read."""
        return f"compare {shown(one)} with {shown(other)}, read with open_for_read of {self._name}"

    def put_line(self, line: str, name: str, *, zipped: bool) -> str:
        """The command that saves metadata does it, gzip or not as it knows."""
        return f"write {quoted(line)} with save_metadata_line of {self._name}, by hand with FILE_NAME={quoted(name)}"

    @property
    def _name(self) -> str:
        return quoted(self.location)

    @staticmethod
    def _named(handles: Sequence[str]) -> str:
        return ", ".join(map(quoted, handles))

"""A store behind a command adapter as a whole: its own files through commands, this tool's files in a side store.

The side store is the same place reached natively, or a folder of this machine. What a command adapter can't tell, the
first one can: it lists `metadata_backup/`. The second one knows nothing but what this machine has put there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final

from core.errors import Refused, StoreUnreachable, UsageError
from core.invocation import Advice, Doctor
from core.lease_choice import LeaseChoice
from core.names import handle_problem, is_derived_manifest
from core.phrases import quoted, shown
from core.storage.command.calls import CommandCalls
from core.storage.command.config import CommandConfig
from core.storage.command.lint import CodeRefused, refusals
from core.storage.command.reader import CommandReader
from core.storage.host_folders import ADAPTERS, host_folder
from core.storage.local.reader import LocalReader
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault, StoreReader
from core.storage.side import SideReader, is_own

_METADATA: Final = "metadata"
_BACKUP: Final = "metadata_backup"
_LEASE_STORE_FORM: Final = "give the URL of the place that the commands lead to, such as s3://BUCKET/PREFIX"


class AdapterReader(SideReader):
    """The read half of a command adapter store with all that is ours; `native` says that `side` is the same place."""

    def __init__(self, commands: CommandReader, side: StoreReader, *, native: bool) -> None:
        super().__init__(commands, side, is_own)
        self._commands = commands
        self.native: Final = native

    @property
    def side(self) -> StoreReader:
        """The side store."""
        return self._side

    @property
    def calls(self) -> CommandCalls:
        """The commands, to be called."""
        return self._commands.calls

    def list_folder(self, folder: str) -> list[Listed]:
        """As `CommandReader` lists it; `metadata_backup/` natively where that can be, without sizes and times.

        Its files are read through commands all the same: that gives what they give of `metadata/`.
        """
        if folder == _BACKUP and self.native:
            listing = self._side.list_folder(folder)
            return [Listed(each.handle, each.kind, 0, 0.0) for each in listing]
        return super().list_folder(folder)

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        """The content of each file of a folder; of `metadata_backup/` with the word for missing that `open` has."""
        names = list(names)
        shown: frozenset[str] | None = None
        for name, content in zip(names, super().read_many(folder, names, limit), strict=True):
            told = content
            if folder == _BACKUP and isinstance(content, HandleUnreadable) and content.fault is ReadFault.FAILED:
                shown = self._shown_in(folder) if shown is None else shown
                told = self._missing(f"{folder}/{name}", shown, content)
            yield told

    def stat(self, handle: str) -> Listed:
        """Of a metadata file what a fresh listing says, of one in `metadata_backup/` whether it can be read.

        Other files are read for their size.
        """
        if is_own(handle) or handle.partition("/")[0] not in (_METADATA, _BACKUP):
            return super().stat(handle)
        problem = handle_problem(handle)
        if problem:
            raise HandleUnreadable(ReadFault.REFUSED, f"not looked at: {problem}")
        if handle.startswith(f"{_BACKUP}/"):
            self.open(handle).close()
            return Listed(handle, ListedKind.FILE, 0, 0.0)
        try:
            found = next((each for each in self.list_folder(_METADATA) if each.handle == handle), None)
        except StoreUnreachable as unreachable:
            raise HandleUnreadable(ReadFault.FAILED, unreachable.message) from None
        if found is None:
            raise HandleUnreadable(ReadFault.MISSING, "no such file is listed")
        return found

    def open(self, handle: str) -> BinaryIO:
        """A stream over one handle's bytes. Raises `HandleUnreadable`.

        A command fails alike for a file that is not there and for one that can't be had. So of files that may be made
        or moved one that can't be read counts as missing where a listing can be had and does not show it.
        """
        try:
            return super().open(handle)
        except HandleUnreadable as unreadable:
            if unreadable.fault is not ReadFault.FAILED or not _may_come_and_go(handle):
                raise
            raise self._missing(handle, self._shown_in(handle.partition("/")[0]), unreadable) from None

    def may_change(self, folder: str) -> bool:
        """Whether there is a command for it. Raises `Refused` where the one that sets files aside is missing."""
        if folder == _BACKUP and self.calls.config.backup_metadata_file is None:
            raise no_move_command(self.location)
        return super().may_change(folder)

    def _shown_in(self, folder: str) -> frozenset[str] | None:
        """The handles that a fresh listing shows of a folder, none where it has no listing; None if none can be had."""
        try:
            listed = frozenset(each.handle for each in self.list_folder(_METADATA))
            if folder == _METADATA:
                return listed
            return frozenset(each.handle for each in self._side.list_folder(folder)) if self.native else frozenset()
        except StoreUnreachable:
            return None

    def _missing(self, handle: str, shown: frozenset[str] | None, unreadable: HandleUnreadable) -> HandleUnreadable:
        """The same fault, or that there is no such file."""
        if shown is None or handle in shown:
            return unreadable
        return HandleUnreadable(ReadFault.MISSING, f"no such file, as far as can be told: {unreadable.message}")


def _may_come_and_go(handle: str) -> bool:
    return handle.startswith((f"{_METADATA}/", f"{_BACKUP}/")) or is_derived_manifest(handle)


def no_move_command(location: str) -> Refused:
    """The refusal where files can't be set aside."""
    return Refused(
        "adapter-no-move-command",
        f"{shown(location)!r} has no backup_metadata_file command, so no file can be set aside; nothing was changed",
        hint="add the command, which moves metadata/$FILE_NAME to metadata_backup/$FILE_NAME; stock panics without it",
    )


def adapter_reader(
    path: str, lease: LeaseChoice, native: Callable[[str], StoreReader], identity: Callable[[str], str]
) -> StoreReader:
    """The reader of a configuration. Raises `UsageError`, also for a `lease` that contradicts it.

    `native` reads a location without commands; `identity` is what tells stores apart.
    """
    commands = CommandReader(path)
    _refuse_code(commands.config, path)
    location = _lease_store(commands.config, path, lease, identity)
    if location is not None:
        return AdapterReader(commands, native(location), native=True)
    folder = host_folder(ADAPTERS, identity(path))
    if folder is None:
        return commands
    return AdapterReader(commands, LocalReader(str(folder), is_store=False), native=False)


def _refuse_code(config: CommandConfig, path: str) -> None:
    """Raises `CodeRefused` for commands that read text as code, unless the file itself insists on them.

    Values without quotes are let pass: bash splits them, and runs nothing of it (`hazards.md`, `own-shell-values`).
    """
    found = () if config.accept_code else refusals(config)
    if found:
        raise CodeRefused(
            f"{shown(path)!r} is not used: in its {found[0].command}, {found[0].why}; nothing was run",
            hint=Advice(
                Doctor(path),
                " shows the lines; whoever has read them and insists writes into the configuration, where stock "
                "ignores it: seamline: {accept_code: true}",
            ),
        )


def _lease_store(config: CommandConfig, path: str, lease: LeaseChoice, identity: Callable[[str], str]) -> str | None:
    """The location of the native side store, if one is named: on the command line, or in the configuration."""
    named = config.lease_store
    if named is not None and lease.on_host:
        raise UsageError(
            f"{shown(path)!r} names its lease store, {shown(named)}: a lease of this machine would bind nobody else",
            hint="leave --lease host out",
        )
    if named is not None and lease.store is not None and identity(named) != identity(lease.store):
        raise UsageError(
            f"{shown(path)!r} names another lease store: {shown(named)}",
            hint=f"leave --lease-store out, or change the configuration: {quoted(path)}",
        )
    location = lease.store if lease.store is not None else named
    if location is not None and ("://" not in location and not location.startswith("/")):
        raise UsageError(f"{shown(location)!r} is no location of a lease store", hint=_LEASE_STORE_FORM)
    return location

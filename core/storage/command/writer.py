"""The write half of a store behind a command adapter: its own files through commands, this tool's in a side store.

Stock's commands know no conditions. So a name is looked for before it is made, the handle that a command prints must be
the expected one before it is given any content, and what came of it is read back, whatever the command says of itself.
Two who make the same name in the same moment are kept apart by the lease alone. No name is given to a command that
stock would not give to it (`hazards.md`, `own-shell-values`).

There is no command that brings a file back from `metadata_backup/`: where the side store is the same place, that is
done natively; else its bytes are saved under the old name, and those in `metadata_backup/` stay.
"""

from __future__ import annotations

from core.errors import AlreadyThere, OutcomeUnknown, Refused, SeamlineError, StoreUnreachable, WriteFailed
from core.names import OWN_FOLDER, handle_problem, is_derived_manifest, is_safe_name
from core.phrases import shown
from core.storage.command.process import CommandFailed
from core.storage.command.side import AdapterReader, no_move_command
from core.storage.protocol import HandleUnreadable, ReadFault
from core.storage.side import is_own
from core.storage.writing import StoreWriter, Tidy

#: Bytes of the largest file that is moved.
MAX_BYTES = 256 << 20
#: Files that are changed at the same time, each by one command after the other.
_AT_ONCE = 4
#: How often what a move has done is looked at, where that can't be seen.
_MOST_LOOKS = 3
_METADATA = "metadata"
_BACKUP = "metadata_backup"
_BY_HAND = "run the command by hand; look at its tool, the network and the credentials"


class _Misprinted(Exception):
    """A command printed another handle than it must, and was given nothing."""

    def __init__(self, printed: bytes) -> None:
        super().__init__()
        self.printed = printed


class CommandWriter:
    """A `StoreWriter` over a command adapter. May be used from several threads as far as `side` may."""

    def __init__(self, reader: AdapterReader, side: StoreWriter) -> None:
        self._reader = reader
        self._calls = reader.calls
        self._side = side

    @property
    def at_once(self) -> int:
        """A few: each waits for its commands, and these for the network."""
        return _AT_ONCE

    def create(self, handle: str, content: bytes) -> None:
        """Make a new file of ours, metadata file or derived manifest; there are no commands for others."""
        undone = f"{handle} was not made"
        _check(undone, handle)
        if is_own(handle):
            self._side.create(handle, content)
        else:
            self._make(undone, handle, content)

    def link(self, source: str, handle: str) -> None:
        """The bytes of a file of ours under a name that is new."""
        undone = f"{handle} was not made from {source}"
        _check(undone, source, handle)
        if not source.startswith(f"{OWN_FOLDER}/"):
            why = f"it is none of Seamline's own files below {OWN_FOLDER}/"
            raise WriteFailed(f"{undone}: {why}", hint="it was not touched")
        if is_own(handle):
            self._side.link(source, handle)
        else:
            self._make(undone, handle, self._required(undone, source))

    def move(self, source: str, target: str) -> None:
        """Set a metadata file aside, or bring it back; for other moves there is no command."""
        undone = f"{source} was not moved to {target}"
        _check(undone, source, target)
        if source == target:
            raise AlreadyThere(f"{undone}: the name is taken", hint="it is the same name")
        name = source.rpartition("/")[2]
        if is_own(source) and is_own(target):
            self._side.move(source, target)
        elif source == f"{_METADATA}/{name}" and target == f"{_BACKUP}/{name}":
            self._set_aside(undone, source, target)
        elif self._reader.native and not is_own(source) and not is_own(target):
            self._side.move(source, target)
        elif source == f"{_BACKUP}/{name}" and target == f"{_METADATA}/{name}":
            self._bring_back(undone, source, target)
        elif source.startswith(f"{_METADATA}/") and target.startswith(f"{_BACKUP}/"):
            why = "its own name is taken there, and the command knows no other"
            raise AlreadyThere(f"{undone}: {why}", hint=f"look at {_BACKUP}/{name} with the storage's own tools")
        else:
            raise _no_command(undone)

    def append(self, handle: str, content: bytes) -> None:
        """Put `content` at the end of a file of ours."""
        self._side.append(handle, content)

    def flush(self, folder: str) -> None:
        """What a command has done lasts; what is ours is flushed."""
        if folder:
            _check(f"{folder} was not flushed", folder)
        if is_own(folder):
            self._side.flush(folder)

    def discard(self, handle: str) -> None:
        """Throw away a staged file, or an empty folder of such."""
        self._side.discard(handle)

    def tidy(self) -> None:
        """Take away our empty folders, where the side store has such."""
        if isinstance(self._side, Tidy):
            self._side.tidy()

    # Making.

    def _make(self, undone: str, handle: str, content: bytes) -> None:
        folder, _, name = handle.partition("/")
        if folder == _METADATA and is_safe_name(name):
            self._save(undone, handle, content)
        elif is_derived_manifest(handle):
            self._derive(undone, handle, content)
        elif handle in (_METADATA, _BACKUP):
            raise AlreadyThere(f"{undone}: a folder has that name", hint="it was not touched")
        elif folder == _METADATA:
            raise WriteFailed(f"{undone}: no folder, and no name that stock would give", hint="nothing was changed")
        else:
            raise _no_command(undone)

    def _save(self, undone: str, handle: str, content: bytes) -> None:
        if handle in self._listed(undone):
            raise AlreadyThere(f"{undone}: the name is taken", hint="look at what stands there; it was not touched")
        failed = self._fed(undone, "save_metadata_line", {"FILE_NAME": handle.rpartition("/")[2]}, content, handle)
        self._settle(undone, handle, content, failed)

    def _derive(self, undone: str, handle: str, content: bytes) -> None:
        """Make a backup folder and the manifest in it.

        Where the folder is left from an earlier try its command may fail: then the handle of the file must tell.
        """
        folder, _, name = handle.partition("/")
        if self._found(undone, handle) is not None:
            raise AlreadyThere(f"{undone}: the name is taken", hint="look at what stands there; it was not touched")
        try:
            printed = self._calls.ask("create_backup", {"BACKUP_NAME": folder})
        except CommandFailed as error:
            before = f"{self._calls.words('create_backup', error)}; "
        else:
            before = ""
            if printed.rstrip() != folder.encode():
                raise self._mismatch(undone, "create_backup", printed, folder)
        parameters = {"BACKUP_HANDLE": folder, "FILE_NAME": name}
        failed = self._fed(undone, "create_for_write", parameters, content, handle)
        self._settle(undone, handle, content, f"{before}{failed}" if isinstance(failed, str) else failed)

    def _fed(
        self, undone: str, command: str, parameters: dict[str, str], content: bytes, handle: str
    ) -> str | SeamlineError | None:
        """Give a command its content; why it failed, if it did. Whatever it says, what came of it is to be read."""

        def accept(printed: bytes) -> None:
            if printed.rstrip() != handle.encode():
                raise _Misprinted(printed)

        try:
            self._calls.feed(command, parameters, content, accept)
        except CommandFailed as error:
            return self._calls.words(command, error)
        except _Misprinted as misprinted:
            return self._mismatch(undone, command, misprinted.printed, handle)
        return None

    def _settle(self, undone: str, handle: str, content: bytes, failed: str | SeamlineError | None) -> None:
        """Return if what was to be made is there; else say what is."""
        there = self._found_after(undone, handle, len(content) + 1)
        if there == content:
            return
        why = failed.message if isinstance(failed, SeamlineError) else failed
        if there is not None and not content.startswith(there):
            raise AlreadyThere(f"{undone}: somebody else has just made it", hint="look at what stands there")
        if there is not None:
            hint = f"move {handle} away with the storage's own tools, and go on"
            raise OutcomeUnknown(f"{undone} as a whole: its beginning stands there; {why or 'no error'}", hint=hint)
        if isinstance(failed, SeamlineError):
            raise failed
        if failed is None:
            why = "its command ended well, but nothing can be read under that name"
            raise OutcomeUnknown(f"{undone}, or not for certain: {why}", hint=_BY_HAND)
        raise WriteFailed(f"{undone}: {why}", hint=_BY_HAND)

    def _mismatch(self, undone: str, command: str, printed: bytes, expected: str) -> Refused:
        said = f"printed {self._calls.shown(printed)!r}" if printed.strip() else "printed no handle"
        return Refused(
            "adapter-handle-mismatch",
            f"{undone}: {command} {said} where stock has to be told {expected!r}, and was given no content",
            hint=f"let it print the handle that open_for_read takes and the listing shows: echo {expected!r}",
        )

    # Moving.

    def _set_aside(self, undone: str, source: str, target: str) -> None:
        """Have a file moved; where the very same bytes have both names an earlier try was cut off: it is finished."""
        name = source.rpartition("/")[2]
        if self._calls.config.backup_metadata_file is None:
            raise no_move_command(self._reader.location)
        if not is_safe_name(name):
            raise WriteFailed(f"{undone}: its name is none that stock would give to a command", hint="move it by hand")
        content = self._required(undone, source)
        taken = self._found(undone, target)
        if taken is not None and taken != content:
            hint = f"what stands there was not touched; look at {target} with the storage's own tools"
            raise AlreadyThere(f"{undone}: the name is taken", hint=hint)
        failed = None
        try:
            self._calls.ask("backup_metadata_file", {"FILE_NAME": name})
        except CommandFailed as error:
            failed = self._calls.words("backup_metadata_file", error)
        self._settle_move(undone, (source, target), content, failed)

    def _settle_move(self, undone: str, handles: tuple[str, str], content: bytes, failed: str | None) -> None:
        """Return if a file has gone to its place; else say what the last of several looks shows."""
        told: SeamlineError | None = None
        for _ in range(_MOST_LOOKS):
            try:
                if self._has_moved(undone, handles, content, failed):
                    return
            except OutcomeUnknown as unknown:
                told = unknown
            else:
                told = WriteFailed(f"{undone}: {failed}", hint=_BY_HAND)
        assert told is not None
        raise told

    def _has_moved(self, undone: str, handles: tuple[str, str], content: bytes, failed: str | None) -> bool:
        """Whether a move has happened, by a fresh listing and both names. Raises `OutcomeUnknown`.

        A command of which nothing can be read after it has failed may have moved the file before.
        """
        source, target = handles
        try:
            stays = source in self._listed(undone)
        except WriteFailed as unlisted:
            raise _unknown(undone, unlisted.message) from unlisted
        moved = self._found_after(undone, target)
        if not stays and (moved == content or (moved is None and failed is None)):
            # Not every configuration can read there; the undo bundle holds the bytes.
            return True
        if not stays:
            raise _unknown(undone, failed or f"{target} holds something else")
        if moved == content:
            raise _unknown(f"{undone} as a whole", f"it has both names; {failed or 'no error'}")
        if failed is None:
            raise _unknown(undone, "its command ended well, but it is listed still")
        if moved is not None or self._found_after(undone, source) != content:
            # Where not even what is listed can be read, that nothing can be read at the target says nothing.
            raise _unknown(undone, failed)
        return False

    def _bring_back(self, undone: str, source: str, target: str) -> None:
        """Save the bytes under the old name, if they do not stand there already; the others stay where they are."""
        content = self._required(undone, source)
        try:
            self._make(undone, target, content)
        except AlreadyThere:
            if self._found(undone, target) != content:
                raise

    # Looking.

    def _listed(self, undone: str) -> set[str]:
        """The handles in a fresh listing. Raises `WriteFailed`: a listing changes nothing."""
        try:
            return {each.handle for each in self._reader.list_folder(_METADATA)}
        except StoreUnreachable as unreachable:
            raise WriteFailed(f"{undone}: {unreachable.message}", hint=unreachable.hint) from unreachable

    def _required(self, undone: str, handle: str) -> bytes:
        content = self._found(undone, handle)
        if content is None:
            raise WriteFailed(f"{undone}: there is no such file, as far as can be told", hint="nothing was changed")
        if len(content) > MAX_BYTES:
            raise WriteFailed(f"{undone}: it is larger than {MAX_BYTES:,} bytes", hint="it was not touched")
        return content

    def _found(self, undone: str, handle: str) -> bytes | None:
        """What stands under a name; None for nothing. Raises `WriteFailed` where that can't be told."""
        try:
            return self._content(handle, MAX_BYTES + 1)
        except HandleUnreadable as unreadable:
            raise WriteFailed(f"{undone}: {handle}: {unreadable.message}", hint=_BY_HAND) from unreadable

    def _found_after(self, undone: str, handle: str, limit: int = MAX_BYTES + 1) -> bytes | None:
        """The same once a command was run. Raises `OutcomeUnknown`."""
        try:
            return self._content(handle, limit)
        except HandleUnreadable as unreadable:
            raise _unknown(undone, unreadable.message) from unreadable

    def _content(self, handle: str, limit: int) -> bytes | None:
        try:
            with self._reader.open(handle) as stream:
                return stream.read(limit)
        except HandleUnreadable as unreadable:
            if unreadable.fault is ReadFault.MISSING:
                return None
            raise


def _check(undone: str, *handles: str) -> None:
    for handle in handles:
        problem = handle_problem(handle)
        if problem:
            # As Python writes it, for it may hold anything.
            raise WriteFailed(f"{repr(undone)[1:-1]}: as a handle, {problem}", hint="nothing of that name is stored")


def _no_command(undone: str) -> WriteFailed:
    why = "stock's commands write metadata files and manifests, and set metadata files aside"
    return WriteFailed(f"{shown(undone)}: there is no command for it; {why}", hint="name the store by its own URL")


def _unknown(undone: str, why: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"the outcome is unknown: {why}; perhaps {undone}, perhaps it was", hint=_BY_HAND)

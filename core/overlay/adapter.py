"""The adapter configuration of an overlay: stock reads through it, and can write nothing.

The commands are the same for every overlay of its kind. Paths and handles come in as variables and are never part of a
command's text (`hazards.md`, `own-shell-values`); the only other text is the operator's own command, as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.overlay.origin import Origin
from core.storage.adapter.spelling import configuration

_HEADER: Final = """\
# An overlay by Seamline: a clean view of a backup store, for restores by the stock tool.
# Its folder must stay where it is. Nothing is written through it: the writing commands refuse.
"""
_SECRETS: Final = "# It holds the variables of the store's own adapter configuration: keep it as safe as that one.\n"
_REFUSE: Final = "echo 'seamline overlay: for restores only; nothing is written through it' >&2; exit 1"
#: Only handles with a slash: the adapter itself lies in the folder, too.
_FROM_OVERLAY: Final = """case "$FILE_HANDLE" in
  /*|..|../*|*/..|*/../*) ;;
  */*) if [ -f "${prefix}_FOLDER/$FILE_HANDLE" ]; then exec cat -- "${prefix}_FOLDER/$FILE_HANDLE"; fi ;;
esac
"""


def adapter_text(origin: Origin, folder: str, metadata: Sequence[str]) -> str:
    """The YAML for an overlay in `folder` (an absolute path) that lists the handles `metadata`."""
    prefix = origin.prefix
    variables = {**origin.variables, f"{prefix}_FOLDER": folder, f"{prefix}_METADATA": "\n".join(metadata)}
    commands = {
        "create_backup": _REFUSE,
        "create_for_write": _REFUSE,
        "open_for_read": _FROM_OVERLAY.replace("{prefix}", prefix) + origin.open_for_read,
        "save_metadata_line": _REFUSE,
        "list_metadata_files": f"printf '%s\\n' \"${prefix}_METADATA\"",
        "backup_metadata_file": _REFUSE,
    }
    header = _HEADER + (_SECRETS if origin.private else "")
    return header + configuration(variables, commands)

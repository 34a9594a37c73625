"""The screens, each imported when it is first shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from tui.commands import Screens

if TYPE_CHECKING:
    from tui.screens.base import SeamlineScreen


def _timeline() -> type[SeamlineScreen]:
    from tui.screens.timeline import TimelineScreen

    return TimelineScreen


def _compare() -> type[SeamlineScreen]:
    from tui.screens.compare import CompareScreen

    return CompareScreen


def _compaction() -> type[SeamlineScreen]:
    from tui.screens.compaction import CompactionScreen

    return CompactionScreen


def _restore() -> type[SeamlineScreen]:
    from tui.screens.restore import RestoreScreen

    return RestoreScreen


def _repair() -> type[SeamlineScreen]:
    from tui.screens.repair import RepairScreen

    return RepairScreen


def _files() -> type[SeamlineScreen]:
    from tui.screens.files import FilesScreen

    return FilesScreen


def _changes() -> type[SeamlineScreen]:
    from tui.screens.changes import ChangesScreen

    return ChangesScreen


def _change() -> type[SeamlineScreen]:
    from tui.screens.change import ChangeScreen

    return ChangeScreen


def _manifest() -> type[SeamlineScreen]:
    from tui.screens.manifest import ManifestScreen

    return ManifestScreen


SCREENS: Final[Mapping[Screens, Callable[[], type[SeamlineScreen]]]] = {
    Screens.TIMELINE: _timeline,
    Screens.COMPARE: _compare,
    Screens.COMPACTION: _compaction,
    Screens.RESTORE: _restore,
    Screens.REPAIR: _repair,
    Screens.FILES: _files,
    Screens.MANIFEST: _manifest,
    Screens.CHANGES: _changes,
    Screens.CHANGE: _change,
}

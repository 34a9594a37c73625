"""Stores in folders that are changed through a command adapter, each process on a machine of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.changes.model import ChangeSet
from core.engine import Engine
from core.lease_choice import LeaseChoice
from core.operations import Operations, operations_for
from core.stock import CompactionOptions
from core.storage import reader_for
from tests.support.adapters import write_whole_adapter
from tests.support.changed_stores import every_file
from tests.support.crash_looks import Files
from tests.support.crash_scenes import Crew
from tests.support.machines import FakeMachine

ON_HOST = LeaseChoice(on_host=True)


@dataclass(slots=True)
class AdapterStore:
    """A store in `folder` behind an adapter; `native` says that the lease store is the folder itself."""

    folder: Path
    native: bool = False
    commands: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    crew: Crew = field(default_factory=Crew)

    def next_day(self) -> None:
        """Time goes by."""
        self.crew.moment += 86_400

    @property
    def path(self) -> str:
        """The configuration, written anew."""
        lease_store = str(self.folder) if self.native else None
        path = self.folder.parent / f"{self.folder.name}.yaml"
        return write_whole_adapter(path, self.folder, lease_store=lease_store, before=self.before, **self.commands)

    @property
    def lease(self) -> LeaseChoice:
        """What is to be typed."""
        return LeaseChoice() if self.native else ON_HOST

    def fill(self, files: Mapping[str, bytes]) -> AdapterStore:
        """Put files into the folder."""
        for handle, content in files.items():
            (self.folder / handle).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / handle).write_bytes(content)
        return self

    @property
    def files(self) -> Files:
        """Every file of the store itself."""
        return {handle: content for handle, content in every_file(self.folder).items() if _is_stores(handle)}

    @property
    def engine(self) -> Engine:
        """A look at the store."""
        return Engine(reader_for(self.path, self.lease), FakeMachine(moment=self.crew.moment))

    def operations(self) -> Operations:
        """Those of a new process."""
        return operations_for(self.path, self.crew.next(), self.lease)

    def compaction(self, options: CompactionOptions) -> ChangeSet:
        """The plan of a compaction."""
        engine = self.engine
        change = engine.plan_compaction(engine.look(), options).change_set
        assert change is not None
        return change

    def undo(self, operation: str = "") -> ChangeSet:
        """The plan that takes back an operation, the newest if none is named."""
        engine = self.engine
        log = engine.log()
        found = next(each for each in log if each.id == operation) if operation else log[-1]
        return engine.plan_undo(engine.look(), found)


def _is_stores(handle: str) -> bool:
    return not handle.startswith(("seamline/", "compaction."))
